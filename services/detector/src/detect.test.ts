import { createHash } from 'node:crypto'
import { DecodeError, decode, encode } from '@lapwing/contracts/codec'
import { bytesOf, ColumnError, float32Column, uint8Column } from '@lapwing/contracts/columns'
import { sampleFlags, seriesStates } from '@lapwing/contracts/series-state'
import type { DetectionPolicy } from '@lapwing/detection/detection-policy'
import { scoresVersion } from '@lapwing/detection/series-detector'
import { stateName } from '@lapwing/queries/detector-settings'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import { describe, expect, test } from 'vitest'
import { sampleRecord } from '../testing/sample-batch.ts'
import { detectorSchema } from './config.ts'
import { type BatchObservation, createDetectStep } from './detect.ts'

const stepMs = 15_000
const labels = { __name__: 'node_load1', instance: 'host-1' }

function runStep(records: readonly LogRecord[], config = {}, policyOf?: (source: string) => DetectionPolicy | undefined) {
  const outputs: OutgoingRecord[] = []
  const observations: BatchObservation[] = []
  const step = createDetectStep({
    config: detectorSchema.parse(config),
    ...(policyOf && { policyOf }),
    scoresTopic: 'scores',
    anomaliesTopic: 'anomalies',
    modelsTopic: 'models',
    observe: (observation) => observations.push(observation),
    observeVerdict: () => {},
  })
  for (const record of records) step.process(record, (output) => outputs.push(output))
  const of = (topic: string) => outputs.filter((output) => output.topic === topic)
  return {
    outputs,
    observations,
    scores: of('scores').map(({ value }) => decode('ScoreBatch', value!)),
    anomalies: of('anomalies').map(({ value }) => decode('Anomaly', value!)),
    anomalyRecords: of('anomalies'),
  }
}

const wave = (i: number) => 10 + Math.sin(i / 3) + Math.sin(i * 1.7) / 2
const polls = (values: readonly number[], kind: 'live' | 'history' = 'live', from = 0) =>
  values.map((value, i) =>
    sampleRecord([{ labels, samples: [[(from + i + 1) * stepMs, value]] }], { offset: BigInt(from + i), kind }),
  )
const quiet = Array.from({ length: 300 }, (_, i) => wave(i))

describe('the detector step', () => {
  test('writes a score batch for each sample batch, same partition, same series, same order', () => {
    const { outputs, scores } = runStep([
      sampleRecord([
        {
          labels,
          samples: [
            [stepMs, 1],
            [2 * stepMs, 2],
          ],
        },
        { labels: { ...labels, instance: 'host-2' }, samples: [[stepMs, 7]] },
      ]),
    ])
    expect(outputs.map(({ topic, partition }) => [topic, partition])).toEqual([['scores', 3]])
    expect(scores[0]!.series.keys).toHaveLength(32)
    expect([...uint8Column(scores[0]!.states, 3)].map((state) => seriesStates[state])).toEqual(['warming', 'warming', 'warming'])
  })

  test('an anomaly is opened, grows, and is resolved under one episode', () => {
    const { anomalies } = runStep(polls([...quiet, ...Array(6).fill(60), ...quiet.slice(0, 20)]))
    expect(anomalies.map(({ state }) => state)).toEqual(['open', 'escalated', 'resolved'])
    expect(new Set(anomalies.map(({ episodeId }) => episodeId)).size).toBe(1)
    expect(new Set(anomalies.map(({ id }) => id)).size).toBe(3)
    expect(anomalies[0]).toMatchObject({ metric: 'node_load1', value: 60, startedAtMs: 301 * stepMs, endedAtMs: null })
    expect(anomalies[0]!.reasons.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
    expect(anomalies.at(-1)).toMatchObject({ startedAtMs: 301 * stepMs, severity: 'critical' })
    expect(anomalies.at(-1)!.endedAtMs).toBeGreaterThan(306 * stepMs)
  })

  test.each([
    ['up', { direction: 'up', minDeviation: 0, minRelativeDeviation: 0 }, true],
    ['down', { direction: 'down', minDeviation: 0, minRelativeDeviation: 0 }, false],
    ['too small', { direction: 'both', minDeviation: 100, minRelativeDeviation: 0 }, false],
  ] as const)('a rise is told or not by the policy of its query: %s', (_, policy, told) => {
    const { anomalies } = runStep(polls([...quiet, ...Array(6).fill(60)]), {}, (source) =>
      source === 'test' ? policy : undefined,
    )
    expect(anomalies.length > 0).toBe(told)
  })

  test('the public record carries CloudEvents headers with the identity of the record', () => {
    const { anomalyRecords, anomalies } = runStep(polls([...quiet, 60]))
    const headers = anomalyRecords[0]!.headers!
    expect(headers.get('ce_id')).toBe(anomalies[0]!.id)
    expect(headers.get('ce_type')).toBe('io.lapwing.anomaly.open.v1')
    expect(anomalyRecords[0]!.key).toHaveLength(16)
  })

  test('a replay writes the same bytes', () => {
    const records = polls([...quiet, ...Array(6).fill(60)])
    expect(runStep(records).outputs).toEqual(runStep(records).outputs)
  })

  test('a repeated batch is counted, scored with nothing, and learned once', () => {
    const records = polls([...quiet])
    const once = runStep([...records, ...polls([wave(300)], 'live', 300)])
    const twice = runStep([...records, records.at(-1)!, ...polls([wave(300)], 'live', 300)])
    expect(twice.observations.at(-2)!.notNewer).toBe(1)
    expect(float32Column(twice.scores.at(-2)!.expected)[0]).toBeNaN()
    expect(twice.scores.at(-1)).toEqual(once.scores.at(-1))
  })

  test('history warms a series up and alerts nobody', () => {
    const { anomalies, scores } = runStep(polls([...quiet, 60, 60, 60], 'history'))
    expect(anomalies).toEqual([])
    expect(scores.at(-4)!.kind).toBe('history')
    expect(seriesStates[scores.at(-4)!.states[0]!]).toBe('ok')
  })

  test('NaN, infinities and stale markers never reach a model', () => {
    const bad = [
      [301 * stepMs, Number.NaN],
      [302 * stepMs, Number.POSITIVE_INFINITY],
      [303 * stepMs, Number.NEGATIVE_INFINITY],
      [304 * stepMs, 0, sampleFlags.stale],
    ] as const
    const after = polls([wave(305)], 'live', 305)
    const { scores } = runStep([...polls(quiet), sampleRecord([{ labels, samples: bad }], { offset: 300n }), ...after])
    expect([...uint8Column(scores.at(-2)!.states, 4)].map((state) => seriesStates[state])).toEqual(Array(4).fill('silent'))
    expect(scores.at(-1)!.expected).toEqual(runStep([...polls(quiet), ...after]).scores.at(-1)!.expected)
  })

  describe('the expected band as it is told', () => {
    const nearZero = (count: number) => Array.from({ length: count }, (_, i) => 0.5 + wave(i) / 4 - 2.5)
    const lowest = ({ scores }: Pick<ReturnType<typeof runStep>, 'scores'>) =>
      scores.map((batch) => float32Column(batch.lower)[0]!)
    const shares = nearZero(300).map((value) => Math.max(0, value))

    test('never reaches below zero in a series that has never been there', () => {
      const { scores, anomalies } = runStep(polls([...shares, 9, 9, 9]))
      expect(Math.min(...lowest({ scores }))).toBe(0)
      expect(anomalies.length).toBeGreaterThan(0)
      for (const { lower, expected, upper } of anomalies) expect(0 <= lower && lower <= expected && expected <= upper).toBe(true)
    })

    test('does so from the first value below zero on', () => {
      const lower = lowest(runStep(polls([...shares, -0.01, ...shares])))
      expect(Math.min(...lower.slice(0, 300))).toBe(0)
      expect(lower[300]).toBeLessThan(0)
      expect(lower.at(-1)).toBeLessThan(0)
    })

    test('of a series that its source ended is the level of that series, not of the one before it in the batch', () => {
      const other = { ...labels, instance: 'host-2' }
      const ended = { labels, samples: [[301 * stepMs, 0, sampleFlags.stale]] } as const
      const last = sampleRecord([{ labels: other, samples: [[301 * stepMs, 7000]] }, ended], { offset: 300n })
      const { scores } = runStep([...polls(quiet), last])
      expect(float32Column(scores.at(-1)!.expected)[1]).toBeCloseTo(10, 0)
    })
  })

  test('scores name their version; states have a name of their own, which no version of the scores changes', () => {
    const config = detectorSchema.parse({})
    const [, settings] = stateName(config).split('/')
    expect(stateName(config)).toBe('online-2/c424d2f6')
    expect(runStep(polls([1])).scores[0]!.model).toBe(`online-${scoresVersion}/${settings}`)
    expect(stateName({ ...config, window_minutes: 30 })).not.toBe(stateName(config))
  })

  test('an episode is identified by the state that it is part of, so that newer scores end it under its name', () => {
    const [opened] = runStep(polls([...quiet, 60, 60, 60])).anomalies
    const { seriesKey, startedAtMs, episodeId } = opened!
    const known = [seriesKey, startedAtMs, stateName(detectorSchema.parse({}))].join('/')
    expect(episodeId).toBe(createHash('sha256').update(known).digest('hex').slice(0, 32))
  })

  test('series beyond the limit are counted and shown as dropped; the others are unaffected', () => {
    const two = sampleRecord([
      { labels, samples: [[stepMs, 1]] },
      { labels: { ...labels, instance: 'host-2' }, samples: [[stepMs, 1]] },
    ])
    const { observations, scores } = runStep([two], { max_series_per_partition: 1 })
    expect(observations[0]).toMatchObject({ overLimit: 1, series: 1 })
    expect([...scores[0]!.states].map((state) => seriesStates[state])).toEqual(['warming', 'dropped'])
  })

  test('columns that do not fit together, and times that are no dates, are damage', () => {
    const record = sampleRecord([{ labels, samples: [[stepMs, 1]] }])
    expect(() => runStep([{ ...record, value: record.value!.subarray(0, 20) }])).toThrow(DecodeError)
    const short = { ...decode('SampleBatch', record.value!), values: Buffer.alloc(3) }
    expect(() => runStep([{ ...record, value: encode('SampleBatch', short) }])).toThrow(ColumnError)
    const late = { ...decode('SampleBatch', record.value!), timestampsMs: bytesOf(Float64Array.of(1e300)) }
    expect(() => runStep([{ ...record, value: encode('SampleBatch', late) }])).toThrow(ColumnError)
  })
})
