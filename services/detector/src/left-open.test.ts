import type { Anomaly, Severity } from '@lapwing/contracts/records'
import type { EpisodeTransition } from '@lapwing/detection/episode'
import { describe, expect, test } from 'vitest'
import { takeCheckpoint } from '../testing/checkpoint.ts'
import { followOpen, isOfSeries, LeftOpen } from './left-open.ts'

const seriesKey = '00112233445566778899aabbccddeeff'
const key = Buffer.from(seriesKey, 'hex')

function anomaly(about: Partial<Anomaly>): Anomaly {
  return {
    ...{ id: 'record', episodeId: 'theirs', state: 'open', severity: 'warning', seriesKey, entityKey: '0'.repeat(32) },
    ...{ metric: 'load', labels: [], source: 'q', model: 'online-4/a', startedAtMs: 1000, observedAtMs: 2000, endedAtMs: null },
    ...{ value: 9, expected: 1, lower: 0, upper: 2, score: 3, peakScore: 3, confidence: 1, reasons: [], suppressedBy: '' },
    ...{ signature: null, endReason: '' },
    ...about,
  }
}

const said = (transition: EpisodeTransition, severity: Severity = 'warning') => ({
  ...{ transition, severity, suppressedBy: undefined, signature: null },
})

/** Answered before 10, unseen from 20 on. */
function begun(...open: readonly Anomaly[]): LeftOpen {
  const leftOpen = new LeftOpen()
  leftOpen.begin({ answeredBefore: 10n, unseenFrom: 20n }, open)
  return leftOpen
}

const transitions = (leftOpen: LeftOpen, ...samples: readonly (readonly [bigint, EpisodeTransition, Severity?])[]) =>
  samples.map(([offset, transition, severity]) => {
    const { told, under } = leftOpen.tell(key, said(transition, severity), { offset, timestampMs: Number(offset) * 1000 })
    return under ? `${told.transition} ${told.severity} as ${under.episodeId}` : told.transition
  })

describe('a detector that begins without its state', () => {
  test('tells nothing of what was answered before it, and of what is open then when it is no longer', () => {
    expect(transitions(begun(), [3n, 'opened'], [4n, 'escalated'], [5n, 'resolved'], [10n, 'opened'])).toEqual([
      ...['none', 'none', 'none', 'opened'],
    ])
    expect(transitions(begun(), [8n, 'opened'], [9n, 'none'], [10n, 'none'], [11n, 'none'], [12n, 'resolved'])).toEqual([
      ...['none', 'none', 'opened', 'none', 'resolved'],
    ])
    expect(transitions(begun(), [8n, 'opened'], [10n, 'resolved'], [11n, 'opened'])).toEqual(['none', 'none', 'opened'])
  })

  test('goes on with an episode that people know, under its name, and opens none beside it', () => {
    expect(
      transitions(begun(anomaly({})), [8n, 'opened'], [10n, 'none'], [11n, 'escalated', 'critical'], [12n, 'resolved']),
    ).toEqual([...['none', 'none warning as theirs', 'escalated critical as theirs', 'resolved critical as theirs']])
    expect(transitions(begun(anomaly({})), [12n, 'opened', 'critical'], [13n, 'resolved', 'info'], [14n, 'opened'])).toEqual([
      ...['escalated critical as theirs', 'resolved critical as theirs', 'opened'],
    ])
  })

  test('takes no episode for the open one that was over before an earlier owner told of that', () => {
    const open = anomaly({ startedAtMs: 14_000, observedAtMs: 15_000, severity: 'critical' })
    expect(
      transitions(begun(open), [11n, 'opened'], [12n, 'escalated'], [13n, 'resolved'], [15n, 'opened'], [16n, 'resolved']),
    ).toEqual(['none', 'none', 'none', 'none critical as theirs', 'resolved critical as theirs'])
    expect(transitions(begun(open), [11n, 'opened'], [15n, 'none'], [16n, 'resolved'])).toEqual([
      ...['none', 'none critical as theirs', 'resolved critical as theirs'],
    ])
  })

  test('ends the others once, where no earlier owner can have been', () => {
    const leftOpen = begun(anomaly({}), anomaly({ episodeId: 'older', startedAtMs: 500 }))
    expect(leftOpen.takeEnded(19n, () => false)).toEqual([])
    expect(leftOpen.takeEnded(20n, () => false).map(({ episodeId }) => episodeId)).toEqual(['older', 'theirs'])
    expect(leftOpen.takeEnded(21n, () => false)).toEqual([])
    expect(transitions(leftOpen, [22n, 'opened'])).toEqual(['opened'])
  })

  test('ends of a series that is unusual to it as well only what it does not go on with', () => {
    const leftOpen = begun(anomaly({}), anomaly({ episodeId: 'older', startedAtMs: 500 }))
    transitions(leftOpen, [8n, 'opened'])
    expect(leftOpen.takeEnded(20n, (open) => open === seriesKey).map(({ episodeId }) => episodeId)).toEqual(['older'])
    expect(transitions(leftOpen, [20n, 'none'], [21n, 'resolved'])).toEqual([
      ...['none warning as theirs', 'resolved warning as theirs'],
    ])
  })

  test('knows after a restart what it knew before', () => {
    const steps: readonly (readonly [bigint, EpisodeTransition, Severity?])[] = [
      ...([
        [8n, 'opened'],
        [10n, 'none'],
        [11n, 'escalated', 'critical'],
        [12n, 'resolved'],
        [13n, 'opened'],
      ] as const),
    ]
    const straight = transitions(begun(anomaly({})), ...steps)
    for (let stop = 0; stop <= steps.length; stop++) {
      const before = begun(anomaly({}))
      const first = transitions(before, ...steps.slice(0, stop))
      const after = new LeftOpen()
      for (const { key, snapshot } of takeCheckpoint(before).states) expect(after.restore(key, snapshot)).toBe(true)
      expect(takeCheckpoint(before)).toEqual({ forgotten: [], states: [] })
      expect([...first, ...transitions(after, ...steps.slice(stop))]).toEqual(straight)
      expect(after.takeEnded(20n, () => true)).toEqual(before.takeEnded(20n, () => true))
    }
  })

  test('forgets for good what it is done with', () => {
    const before = begun(anomaly({}))
    before.takeEnded(20n, () => false)
    const places = `${'00'.repeat(16)}07`
    expect(takeCheckpoint(before)).toEqual({ forgotten: [`${seriesKey}06`, places], states: [] })
    expect(takeCheckpoint(before)).toEqual({ forgotten: [], states: [] })
    // As 0.1.0 wrote it.
    for (const key of [seriesKey, '00'.repeat(16)]) {
      const tag = key === seriesKey ? 6 : 7
      expect(before.restore(Uint8Array.of(...Buffer.from(key, 'hex'), tag), new Uint8Array(0))).toBe(true)
    }
    expect(takeCheckpoint(before).forgotten).toEqual([`${seriesKey}06`, places])
  })

  test('refuses bytes that do not fit, and leaves the keys of others', () => {
    const restore = (tag: number, bytes: Uint8Array) => new LeftOpen().restore(Uint8Array.of(...key, tag), bytes)
    for (const text of ['{', '{}', '{"left":["AAAA"]}']) expect(() => restore(6, Buffer.from(text))).toThrow(RangeError)
    expect(() => restore(7, new Uint8Array(3))).toThrow(RangeError)
    expect(restore(5, new Uint8Array(3))).toBe(false)
    expect(new LeftOpen().restore(key, new Uint8Array(3))).toBe(false)
  })
})

test('open is what no record ended, as its newest record says; what another model says is left to it', () => {
  const open = new Map<string, Anomaly>()
  const records = [
    anomaly({ episodeId: 'a' }),
    anomaly({ episodeId: 'b' }),
    anomaly({ episodeId: 'a', state: 'escalated', severity: 'critical' }),
    anomaly({ episodeId: 'b', state: 'resolved' }),
    anomaly({ episodeId: 'c', model: 'autoencoder-1' }),
  ]
  followOpen(open, records.filter(isOfSeries))
  expect([...open.values()].map(({ episodeId, severity }) => `${episodeId} ${severity}`)).toEqual(['a critical'])
})
