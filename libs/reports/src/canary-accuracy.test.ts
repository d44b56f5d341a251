import type { Anomaly } from '@lapwing/contracts/records'
import { canaryMetric } from '@lapwing/contracts/series'
import { canaryCount, canaryFaults } from '@lapwing/evaluation/canary'
import { describe, expect, test } from 'vitest'
import { simulatedMonth } from '../testing/simulated-month.ts'
import { canaryAccuracy } from './canary-accuracy.ts'

const fromMs = Date.parse('2026-03-02T00:00:00Z')
const toMs = fromMs + 14 * 86_400_000
const { records } = simulatedMonth(7)
const [pattern] = records.anomalies
const minuteMs = 60_000

/** An episode of a canary that is told so long after the beginning of a fault. */
function found(canary: number, faultMs: number, delayMs: number): Anomaly {
  const labels = [
    { name: '__name__', value: canaryMetric },
    { name: 'canary', value: String(canary) },
    { name: 'instance', value: 'reporter:8080' },
  ]
  const id = `canary-${canary}-${faultMs}`
  return { ...pattern!, id, episodeId: id, labels, startedAtMs: faultMs, observedAtMs: faultMs + delayMs, endedAtMs: null }
}

const faults = Array.from({ length: canaryCount }, (_, canary) =>
  canaryFaults(canary, fromMs, toMs - 25 * minuteMs).map((fault) => ({ canary, ...fault })),
)
  .flat()
  .sort((a, b) => a.fromMs - b.fromMs)

describe('the accuracy by the canary', () => {
  test('counts what was put in, what was found of it and what was not, by kind', () => {
    const all = faults.slice(0, -4).map((fault) => found(fault.canary, fault.fromMs, 2 * minuteMs))
    const result = canaryAccuracy({ ...records, anomalies: [...records.anomalies, ...all] }, fromMs, toMs)!
    expect(result.all.byLabels).toMatchObject({
      counts: { events: faults.length, eventsFound: faults.length - 4 },
      medianDelayMs: 2 * minuteMs,
      precision: 1,
    })
    expect(result.byFault.map(({ kind }) => kind)).toEqual(['drop', 'jump', 'silence'])
    expect(result.byFault.reduce((sum, { faults: count }) => sum + count, 0)).toBe(faults.length)
    expect(result.byFault.reduce((sum, { found: count }) => sum + count, 0)).toBe(faults.length - 4)
  })

  test('calls an episode at another time a false alarm', () => {
    const [first] = faults
    const all = [found(first!.canary, first!.fromMs, minuteMs), found(first!.canary, first!.fromMs + 86_400_000, minuteMs)]
    expect(canaryAccuracy({ ...records, anomalies: all }, fromMs, toMs)!.all.byLabels).toMatchObject({ precision: 0.5 })
  })

  test('is not known without a canary on the log, nor before the first', () => {
    expect(canaryAccuracy(records, fromMs, toMs)).toBeUndefined()
    const last = faults.at(-1)!
    const only = { ...records, anomalies: [found(last.canary, last.fromMs, minuteMs)] }
    expect(canaryAccuracy(only, fromMs, toMs)!.all.byLabels!.counts.events).toBe(1)
    expect(canaryAccuracy(only, fromMs, last.fromMs)).toBeUndefined()
  })
})
