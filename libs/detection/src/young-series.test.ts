/** What is told of a series that is known for hours or a day: its first night and its first burst have never been seen. */
import { describe, expect, test } from 'vitest'
import { SimulatedSeries } from '../testing/simulated-series.ts'
import { cautionAfter, episodeFields, episodeLength, observeEpisode, severities, severityOf } from './episode.ts'
import { createRandom } from './random.ts'
import { SeriesDetector } from './series-detector.ts'

const options = { windowMs: 3_600_000, contamination: 0.01, falseAlarmsPerWeek: 1, timeZone: 'UTC', seed: 1 }
const minuteMs = 60_000

/** Severity of an episode of these samples, a step apart. */
function severityAfter(confirmed: readonly number[], caution: number): string {
  const row = new Float64Array(episodeLength)
  confirmed.forEach((each, i) => {
    observeEpisode(row, 0, { kind: 'scored', timestampMs: (i + 1) * minuteMs, score: 4, confirmed: each, caution })
  })
  return severityOf(row)
}

/** How often an episode became worth a notification. */
function notificationsOf(detector: SeriesDetector, samples: Iterable<{ timestampMs: number; value: number }>): number {
  let notifications = 0
  let told = 0
  for (const { timestampMs, value } of samples) {
    detector.update(0, { timestampMs, value, imputed: false, stale: false, stepMs: minuteMs, live: true })
    const { transition } = detector.verdict
    if (transition === 'resolved') told = 0
    if (transition !== 'opened' && transition !== 'escalated') continue
    const severity = severities.indexOf(severityOf(detector.episode(0)))
    if (told === 0 && severity > 0) notifications++
    told = severity
  }
  return notifications
}

describe('caution', () => {
  test('comes within hours and fades within days', () => {
    expect([0, 3, 6, 12, 90].map((blocks) => cautionAfter(0, blocks))).toEqual([1, 1.25, 1.5, 2, 2])
    expect([1, 2, 6].map((days) => Number(cautionAfter(days, 96 * days).toFixed(2)))).toEqual([1.25, 1.11, 1.02])
  })

  test('raises what a sample, or several, must show to be told', () => {
    expect([1.6, 2.9, 3.1].map((confirmed) => severityAfter([confirmed], 1))).toEqual(['warning', 'warning', 'warning'])
    expect([1.6, 2.9, 3.1].map((confirmed) => severityAfter([confirmed], 2))).toEqual(['info', 'info', 'warning'])
    expect([1, 2].map((caution) => severityAfter([1.2, 1.2, 1.2], caution))).toEqual(['warning', 'info'])
    expect([1, 2].map((caution) => severityAfter([3.2, 3.2, 3.2], caution))).toEqual(['critical', 'warning'])
  })
})

test('a level that is more than doubled in the first hour is told', () => {
  const samples = Array.from({ length: 260 }, (_, i) => ({
    timestampMs: (i + 1) * (minuteMs / 8),
    value: (i < 220 ? 100 : 230) + ((i * 7) % 9),
  }))
  expect(notificationsOf(new SeriesDetector(options), samples)).toBe(1)
})

test('the first nightly jobs of a series are recorded, and hardly anybody is told', () => {
  const series = Array.from({ length: 40 }, (_, i) => new SimulatedSeries({ kind: 'nightly', seed: 5_100_000 + i }))
  const told = series.map((each) => notificationsOf(new SeriesDetector(options), firstDayOf(each)))
  expect(told.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(2)
})

test('bursts of a series that stood at zero are news once or twice, not each time', () => {
  const detector = new SeriesDetector(options)
  const told = notificationsOf(detector, burstsFromZero(12))
  expect(told).toBeGreaterThanOrEqual(1)
  expect(told).toBeLessThanOrEqual(2)
})

describe('an anomaly in the first quarter of an hour', () => {
  const stepMs = 1000

  /** A detector that has seen running processes, noisy as they are, each second for some minutes, then 84 more for a minute. */
  function burned(seed: number) {
    const detector = new SeriesDetector(options)
    const random = createRandom(seed)
    let timestampMs = 0
    const observe = (more: number) => {
      timestampMs += stepMs
      const value = 1 + Math.floor(-1.5 * Math.log(1 - random())) + more
      detector.update(0, { timestampMs, value, imputed: false, stale: false, stepMs, live: true })
      return detector.verdict
    }
    for (let i = 0; i < 210; i++) observe(0)
    const usual = observe(0).upper
    for (let i = 0; i < 60; i++) observe(84)
    return { detector, observe, usual }
  }
  const isOpen = (detector: SeriesDetector) => detector.episode(0)[episodeFields.startedAtMs]! > 0

  test('ends soon after it is over, however noisy the series is', () => {
    const burns = Array.from({ length: 100 }, (_, seed) => burned(seed)).filter(({ detector }) => isOpen(detector))
    expect(burns.length).toBeGreaterThan(50)
    const samplesToEnd = burns.map(({ detector, observe }) => {
      let samples = 0
      for (; isOpen(detector) && samples < 1800; samples++) observe(0)
      return samples
    })
    expect(Math.max(...samplesToEnd)).toBeLessThanOrEqual(20)
  })

  test('does not become what is usual: the same is told again an hour later', () => {
    const { detector, observe, usual } = burned(1)
    for (let i = 0; i < 400; i++) observe(0)
    expect(observe(0).upper).toBeLessThanOrEqual(2 * usual)
    for (let i = 0; i < 3600; i++) observe(0)
    expect(isOpen(detector)).toBe(false)
    observe(84)
    expect(isOpen(detector)).toBe(true)
  })
})

function* firstDayOf(series: SimulatedSeries): Generator<{ timestampMs: number; value: number }> {
  for (let minute = 0; minute < 1440; minute++) if (series.next()) yield series
}

/** Six hours of zero, then a burst of about 40 for five minutes every two hours. */
function* burstsFromZero(bursts: number): Generator<{ timestampMs: number; value: number }> {
  for (let minute = 1; minute <= 360 + bursts * 120; minute++) {
    const inCycle = (minute - 360) % 120
    const isBurst = minute > 360 && inCycle >= 1 && inCycle <= 5
    yield { timestampMs: minute * minuteMs, value: isBurst ? 36 + ((minute * 7) % 9) : 0 }
  }
}
