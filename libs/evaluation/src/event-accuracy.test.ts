import { describe, expect, test } from 'vitest'
import { countEvents, eventAccuracy, quantile, summedCounts } from './event-accuracy.ts'

const minuteMs = 60_000
const events = [
  { series: 'a', fromMs: 10 * minuteMs, toMs: 20 * minuteMs },
  { series: 'a', fromMs: 50 * minuteMs, toMs: 60 * minuteMs },
  { series: 'b', fromMs: 10 * minuteMs, toMs: 20 * minuteMs },
]
const opened = (series: string, minute: number) => ({ series, openedAtMs: minute * minuteMs })

describe('counting events', () => {
  test('an episode is right when it opens in an event of its series, and only the first decides the delay', () => {
    const counts = countEvents(events, [opened('a', 12), opened('a', 15), opened('a', 30), opened('b', 9)], 0)
    expect(counts).toEqual({ events: 3, eventsFound: 1, episodes: 4, episodesRight: 2, delaysMs: [2 * minuteMs] })
    const { precision, recall, f1 } = eventAccuracy(counts)
    expect([precision, recall]).toEqual([1 / 2, 1 / 3])
    expect(f1).toBeCloseTo(0.4, 12)
  })

  test('within the tolerance an episode may open early, without a delay', () => {
    const counts = countEvents(events, [opened('b', 9)], minuteMs)
    expect(counts).toMatchObject({ eventsFound: 1, episodesRight: 1, delaysMs: [0] })
  })

  test('both ends of an event belong to it', () => {
    expect(countEvents(events, [opened('a', 10), opened('a', 60)], 0)).toMatchObject({ eventsFound: 2, episodesRight: 2 })
  })

  test('of nothing, nothing is known', () => {
    expect(eventAccuracy(countEvents([], [], 0))).toEqual({ precision: null, recall: null, f1: null })
    expect(eventAccuracy(countEvents(events, [opened('c', 1)], 0))).toEqual({ precision: 0, recall: 0, f1: 0 })
  })

  test('counts of several add up, delays stay ascending', () => {
    const late = countEvents(events, [opened('a', 19)], 0)
    const soon = countEvents(events, [opened('b', 11)], 0)
    expect(summedCounts([late, soon])).toEqual({
      events: 6,
      eventsFound: 2,
      episodes: 2,
      episodesRight: 2,
      delaysMs: [minuteMs, 9 * minuteMs],
    })
  })
})

test('quantiles are by nearest rank', () => {
  expect(quantile([], 0.5)).toBeNull()
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2)
  expect(quantile([1, 2, 3, 4], 0.95)).toBe(4)
})
