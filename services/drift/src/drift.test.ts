import { readFileSync } from 'node:fs'
import { decode, encode } from '@lapwing/contracts/codec'
import { entityKey, seriesKey, sortedLabels } from '@lapwing/contracts/series'
import { seriesStates } from '@lapwing/contracts/series-state'
import { driftDetectorNames } from '@lapwing/detection/drift-detector'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import { describe, expect, test } from 'vitest'
import { asScoreOfEntity, latencyLabels as labels, noise, ok, scoreRecord, stepMs } from '../testing/score-batch.ts'
import { createDriftStep, driftStateVersion } from './drift.ts'

const entity = entityKey(labels, ['instance']).toString('hex')

function runStep(records: readonly LogRecord[], options = {}) {
  const outputs: OutgoingRecord[] = []
  let watched = 0
  let dropped = 0
  const step = createDriftStep({
    enabled: true,
    detector: 'adwin',
    delta: 0.002,
    cooldownMs: 3_600_000,
    requestsPerWeek: 100,
    afterSamples: 0,
    maxSeries: 10,
    forgetAfterMs: 14 * 86_400_000,
    controlTopic: 'control',
    observe: ({ scores, overLimit }) => {
      watched += scores
      dropped += overLimit
    },
    observeVerdict: () => {},
    ...options,
  })
  for (const record of records) step.process(record, (output) => outputs.push(output))
  return { watched, dropped, requests: outputs.map((output) => decode('Control', output.value!)), outputs }
}

const entityLabels = sortedLabels(Object.entries({ __name__: 'lapwing_entity_score', instance: 'a' }))
/** After 500 scores around 0.2. */
const golden = new URL('../test/golden/series.1.bin', import.meta.url)

describe('the drift step', () => {
  test('asks for one retraining when the scores of a series move, and says why', () => {
    const { requests, outputs } = runStep([scoreRecord(noise(500, 0.2), 0), scoreRecord(noise(200, 0.8), 500)])
    expect(requests).toHaveLength(1)
    expect(requests[0]).toMatchObject({
      kind: 'retrain',
      detector: 'adwin',
      scope: `entity:${entity}`,
      seriesKey: seriesKey(labels).toString('hex'),
    })
    expect(requests[0]!.reason).toMatch(/^mean score of latency\{instance="a"\} went from 0\.\d\d to 0\.\d\d$/)
    expect(requests[0]!.requestedAtMs).toBeGreaterThan(500 * stepMs)
    expect(outputs[0]).toMatchObject({ topic: 'control', partition: 2 })
  })

  test('a deploy that moves four series of an entity asks once; a shadow asks for nothing', () => {
    const sets = ['a', 'b', 'c', 'd'].map((job) => sortedLabels(Object.entries({ __name__: 'latency', instance: 'a', job })))
    const of = (from: number, level: number, count: number) => sets.map((set) => scoreRecord(noise(count, level), from, ok, set))
    expect(runStep([...of(0, 0.2, 500), ...of(500, 0.9, 200)]).requests).toHaveLength(1)
    const shadow = (record: LogRecord) => ({
      ...record,
      value: encode('ScoreBatch', { ...decode('ScoreBatch', record.value!), source: 'lapwing_entity_score_shadow' }),
    })
    expect(runStep([scoreRecord(noise(500, 0.2), 0), scoreRecord(noise(200, 0.8), 500)].map(shadow)).watched).toBe(0)
  })

  test('once a model scores the entity, its series may move as they like', () => {
    const sets = ['a', 'b', 'c', 'd'].map((job) => sortedLabels(Object.entries({ __name__: 'latency', instance: 'a', job })))
    const of = (from: number, level: number, count: number) => sets.map((set) => scoreRecord(noise(count, level), from, ok, set))
    const ofEntity = (level: number, from: number) =>
      asScoreOfEntity(scoreRecord(noise(300, level), from, ok, entityLabels), 'pca/1')
    const calm = [ofEntity(0.2, 0), ...of(0, 0.2, 500), ...of(500, 0.9, 200), ofEntity(0.2, 300)]
    expect(runStep(calm).requests).toEqual([])
    const [request, ...more] = runStep([...calm, ofEntity(0.9, 600)]).requests
    expect(more).toEqual([])
    expect(request!.reason).toMatch(/^mean score of lapwing_entity_score\{instance="a"\} went from 0\.\d\d to 0\.\d\d$/)
  })

  test('a score that rises every morning is drift once, and known from the second day on; a step is still told', () => {
    const dayOf = (day: number, level: (minute: number) => number) => {
      const scores = Array.from({ length: 1440 }, (_, minute) => level(minute) + 0.1 * Math.sin(minute * 1.7))
      return asScoreOfEntity(scoreRecord(scores, day * 1440, ok, entityLabels, 60_000), 'pca/1')
    }
    const busy = (minute: number) => (minute >= 540 && minute < 1020 ? 0.8 : 0.2)
    const days = Array.from({ length: 14 }, (_, day) => dayOf(day, busy))
    const patient = { cooldownMs: 12 * 3_600_000 }
    const { requests } = runStep(days, patient)
    expect(requests.map(({ requestedAtMs }) => Math.floor(requestedAtMs / 86_400_000))).toEqual([0])
    const stepped = runStep([...days, dayOf(14, (minute) => busy(minute) + (minute > 300 ? 1.2 : 0))], patient)
    const [, step, ...more] = stepped.requests
    expect(step!.requestedAtMs).toBeLessThan(14 * 86_400_000 + 400 * 60_000)
    expect(more.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('and stays there with no new model since 1970-01-15T05:'),
    ])
    expect(more[0]!.requestedAtMs - step!.requestedAtMs).toBeGreaterThanOrEqual(patient.cooldownMs)
  })

  test('another model that scores higher is no drift', () => {
    const ofEntity = (level: number, from: number, model: string) =>
      asScoreOfEntity(scoreRecord(noise(300, level), from, ok, entityLabels), model)
    const [before, same, other] = [ofEntity(0.2, 0, 'pca/1'), ofEntity(0.7, 300, 'pca/1'), ofEntity(0.7, 300, 'pca/2')]
    expect(runStep([before, same]).requests).toHaveLength(1)
    expect(runStep([before, other, ofEntity(0.7, 600, 'pca/2')]).requests).toEqual([])
  })

  test('asks without drift after so many samples, and begins to count anew', () => {
    const { requests } = runStep([scoreRecord(noise(1000, 0.2), 0)], { afterSamples: 400 })
    expect(requests.map(({ detector, statistic }) => [detector, statistic])).toEqual([
      ['count', 400],
      ['count', 400],
    ])
  })

  test('is silent while scores stay where they are', () => {
    expect(runStep([scoreRecord(noise(5000, 0.3), 0)]).requests).toEqual([])
  })

  test('asks again only after the cool-down', () => {
    const moves = [scoreRecord(noise(500, 0.2), 0), scoreRecord(noise(300, 0.8), 500), scoreRecord(noise(300, 1.6), 800)]
    expect(runStep(moves).requests).toHaveLength(2)
    expect(runStep(moves, { cooldownMs: 86_400_000 }).requests).toHaveLength(1)
  })

  test('samples that were not scored are not watched', () => {
    const { watched } = runStep([scoreRecord(noise(10, 0.2), 0, seriesStates.indexOf('warming')), scoreRecord(noise(5, 0.2), 10)])
    expect(watched).toBe(5)
  })

  test('a series beyond the limit is counted and left out, and those that are there go on', () => {
    const other = sortedLabels(Object.entries({ __name__: 'latency', instance: 'b' }))
    const records = [scoreRecord(noise(500, 0.2), 0), scoreRecord(noise(7, 0.2), 0, ok, other), scoreRecord(noise(200, 0.8), 500)]
    const { watched, dropped, requests } = runStep(records, { maxSeries: 1 })
    expect({ watched, dropped }).toEqual({ watched: 700, dropped: 7 })
    expect(requests).toHaveLength(1)
  })

  test('scores that fall ask for nothing: a model is learning, or a new one fits', () => {
    expect(runStep([scoreRecord(noise(500, 0.9), 0), scoreRecord(noise(500, 0.2), 500)]).requests).toEqual([])
  })

  test('one freak is not drift', () => {
    const scores = noise(1000, 0.2)
    scores[500] = 1e6
    expect(runStep([scoreRecord(scores, 0)]).requests).toEqual([])
  })

  test('switched off it asks for nothing; a replay asks the same', () => {
    const moves = [scoreRecord(noise(500, 0.2), 0), scoreRecord(noise(200, 0.8), 500)]
    expect(runStep(moves, { enabled: false }).requests).toEqual([])
    expect(runStep(moves).requests).toEqual(runStep(moves).requests)
  })

  test('the state that an earlier release wrote goes on as it would have then', () => {
    const options = {
      enabled: true,
      detector: 'adwin' as const,
      delta: 0.002,
      cooldownMs: 3_600_000,
      requestsPerWeek: 100,
      afterSamples: 0,
      maxSeries: 10,
      forgetAfterMs: 14 * 86_400_000,
      controlTopic: 'control',
      observe: () => {},
      observeVerdict: () => {},
    }
    const step = createDriftStep(options)
    step.restore(seriesKey(labels), readFileSync(golden), 1)
    const outputs: OutgoingRecord[] = []
    step.process(scoreRecord(noise(200, 0.8), 500), (output) => outputs.push(output))
    expect(outputs.map(({ value }) => decode('Control', value!))).toMatchObject([{ requestedAtMs: 543 * stepMs }])
  })

  test.each(driftDetectorNames)('a restored step goes on as the one before would have: %s', (detector) => {
    const options = {
      enabled: true,
      detector,
      delta: 0.002,
      cooldownMs: 3_600_000,
      requestsPerWeek: 100,
      afterSamples: 0,
      maxSeries: 10,
      forgetAfterMs: 14 * 86_400_000,
      controlTopic: 'control',
      observe: () => {},
      observeVerdict: () => {},
    }
    const whole = createDriftStep(options)
    const before = createDriftStep(options)
    const after = createDriftStep(options)
    const first = scoreRecord(noise(500, 0.2), 0)
    const second = scoreRecord(noise(200, 1.4), 500)
    const outputs: { whole: OutgoingRecord[]; restored: OutgoingRecord[] } = { whole: [], restored: [] }
    for (const record of [first, second]) whole.process(record, (output) => outputs.whole.push(output))
    before.process(first, () => {})
    for (const { key, snapshot } of before.takeChanged()) after.restore(key, snapshot, driftStateVersion)
    after.process(second, (output) => outputs.restored.push(output))
    expect(outputs.restored).toEqual(outputs.whole)
    expect(outputs.restored).toHaveLength(1)
    expect(() => after.restore(Buffer.alloc(16), Buffer.alloc(7), driftStateVersion)).toThrow(RangeError)
  })
})
