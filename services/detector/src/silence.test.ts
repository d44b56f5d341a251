import { decode } from '@lapwing/contracts/codec'
import { sampleFlags } from '@lapwing/contracts/series-state'
import { snapshotVersion } from '@lapwing/detection/series-detector'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import { describe, expect, test } from 'vitest'
import { takeCheckpoint } from '../testing/checkpoint.ts'
import { sampleRecord, type TestSeries } from '../testing/sample-batch.ts'
import { detectorSchema } from './config.ts'
import { createDetectStep } from './detect.ts'
import { SilenceWatch } from './silence.ts'

const stepMs = 15_000
const value = (i: number) => 10 + Math.sin(i / 3) + Math.sin(i * 1.7) / 2

function createStep() {
  const topics = { scoresTopic: 'scores', anomaliesTopic: 'anomalies', modelsTopic: 'models' }
  return createDetectStep({ config: detectorSchema.parse({}), ...topics, observe: () => {}, observeVerdict: () => {} })
}

type Step = ReturnType<typeof createStep>

/** What is there in round `i`, of hosts that are alive. */
function round(i: number, hosts: readonly string[], flags = 0): LogRecord {
  const series = hosts.map(
    (instance): TestSeries => ({ labels: { __name__: 'load', instance }, samples: [[(i + 1) * stepMs, value(i), flags]] }),
  )
  return sampleRecord(series, { offset: BigInt(i) })
}

function told(step: Step, records: readonly LogRecord[]) {
  const outputs: OutgoingRecord[] = []
  for (const record of records) step.process(record, (output) => outputs.push(output))
  return outputs.filter(({ topic }) => topic === 'anomalies').map((output) => decode('Anomaly', output.value!))
}

const both = ['a', 'b']
const warm = Array.from({ length: 250 }, (_, i) => round(i, both))
const withoutB = (from: number, count: number) => Array.from({ length: count }, (_, i) => round(from + i, ['a']))

describe('silence', () => {
  test('a series that brings nothing while its source goes on is told with its labels, and resolved when it is back', () => {
    const step = createStep()
    const records = [...warm, ...withoutB(250, 12), ...Array.from({ length: 6 }, (_, i) => round(262 + i, both))]
    const anomalies = told(step, records)
    expect(anomalies.map(({ state }) => state)).toEqual(['open', 'escalated', 'resolved'])
    expect(new Set(anomalies.map(({ episodeId }) => episodeId)).size).toBe(1)
    expect(anomalies[0]).toMatchObject({ metric: 'load', source: 'test', severity: 'warning', value: Number.NaN })
    expect(anomalies[0]!.labels).toContainEqual({ name: 'instance', value: 'b' })
    expect(anomalies[0]!.reasons).toEqual([{ name: 'silence', share: 1 }])
    expect(anomalies[0]!.observedAtMs - 250 * stepMs).toBeLessThanOrEqual(5 * stepMs)
    expect(Math.abs(anomalies[0]!.expected - 10)).toBeLessThan(3)
  })

  test('a restart, at whichever batch, tells the same', () => {
    const records = [...warm, ...withoutB(250, 30)]
    const whole = told(createStep(), records)
    expect(whole.length).toBe(2)
    for (let cut = 249; cut < records.length; cut++) {
      const before = createStep()
      const first = told(before, records.slice(0, cut))
      const after = createStep()
      // States come back in another order than they were made in.
      for (const { key, snapshot } of [...takeCheckpoint(before).states].reverse()) after.restore(key, snapshot, snapshotVersion)
      expect([...first, ...told(after, records.slice(cut))]).toEqual(whole)
    }
  })

  test('a critical episode that is over does not hide a silence', () => {
    const outlier = Array.from({ length: 6 }, (_, i) =>
      sampleRecord(both.map((instance) => ({ labels: { __name__: 'load', instance }, samples: [[(251 + i) * stepMs, 90]] }))),
    )
    const calm = Array.from({ length: 120 }, (_, i) => round(256 + i, both))
    const records = [...warm, ...outlier, ...calm, ...withoutB(376, 12)]
    const ofB = told(createStep(), records).filter(({ labels }) => labels.some((label) => label.value === 'b'))
    expect(ofB.filter(({ observedAtMs }) => observedAtMs <= 300 * stepMs).at(-1)?.severity).toBe('critical')
    expect(ofB.at(-2)).toMatchObject({ state: 'open', reasons: [{ name: 'silence', share: 1 }] })
  })

  test('a source that was away excuses its series', () => {
    const gap = 400
    const records = [...warm, ...withoutB(250 + gap, 1), ...Array.from({ length: 5 }, (_, i) => round(251 + gap + i, both))]
    expect(told(createStep(), records)).toEqual([])
  })

  test('a series that its source has ended is not silent', () => {
    const end = sampleRecord([{ labels: { __name__: 'load', instance: 'b' }, samples: [[251 * stepMs, 0, sampleFlags.stale]] }])
    expect(told(createStep(), [...warm, end, ...withoutB(251, 40)])).toEqual([])
  })

  test('after a day of silence a series is given up, once', () => {
    const step = createStep()
    const anomalies = told(step, [...warm, ...withoutB(250, 5800)])
    expect(anomalies.filter(({ labels }) => labels.some((label) => label.value === 'b')).map(({ state }) => state)).toEqual([
      'open',
      'escalated',
      'resolved',
    ])
  })

  test('history never makes a series silent', () => {
    const history = Array.from({ length: 40 }, (_, i) =>
      sampleRecord([{ labels: { __name__: 'load', instance: 'a' }, samples: [[(251 + i) * stepMs, value(i)]] }], {
        kind: 'history',
      }),
    )
    expect(told(createStep(), [...warm, ...history])).toEqual([])
  })

  test('damage in its state is a RangeError', () => {
    const watch = new SilenceWatch({ keyOf: () => new Uint8Array(16), slotOf: () => 0 })
    const key = (tag: number) => Uint8Array.of(...new Uint8Array(16), tag)
    for (const text of ['{', '[1]', '["a","b",4]']) expect(() => watch.restore(key(4), Buffer.from(text))).toThrow(RangeError)
    expect(() => watch.restore(key(5), new Uint8Array(3))).toThrow(RangeError)
    expect(watch.restore(new Uint8Array(16), new Uint8Array(3))).toBe(false)
  })
})
