/**
 * The drift service on simulated scores of entities: how often it asks for a retraining that nothing calls for, and how soon it asks for one that is.
 *
 * A score a minute, as a model on windows of ten rows gives it: each goes on from the one before. It has a season of the day, quieter weekends, and two incidents a week that are
 * anomalies and no drift. After the quiet weeks the level doubles for good. Beside it stands a dummy that knows nothing and asks once a day: what retraining by the clock is.
 */
import { decode, encode } from '@lapwing/contracts/codec'
import { bytesOf } from '@lapwing/contracts/columns'
import { sortedLabels } from '@lapwing/contracts/series'
import { seriesStates } from '@lapwing/contracts/series-state'
import { buildSeriesTable, seriesIdentity } from '@lapwing/contracts/series-table'
import { createRandom } from '@lapwing/detection/random'
import { driftSchema } from '@lapwing/drift/config'
import { createDriftStep } from '@lapwing/drift/step'

export interface DriftResult {
  readonly falseAlarmsPerWeek: number
  /** Minutes from the change to the first request after it; a week where there was none. */
  readonly delays: readonly number[]
  readonly dummyFalseAlarmsPerWeek: number
  readonly dummyDelays: readonly number[]
}

const minuteMs = 60_000
const dayMinutes = 24 * 60
const weekMinutes = 7 * dayMinutes
const startMs = Date.UTC(2026, 0, 5)
const batchMinutes = 60

export function runDrift(entities: number, quietWeeks: number, firstSeed: number): DriftResult {
  const results = Array.from({ length: entities }, (_, i) => {
    const seed = firstSeed + i
    const random = createRandom(seed)
    const changeAt = quietWeeks * weekMinutes + Math.floor(random() * dayMinutes)
    const asked = requestsOn(scoresOf(seed, changeAt, changeAt + weekMinutes))
    const dummyPhase = Math.floor(random() * dayMinutes)
    return {
      falseAlarms: asked.filter((minute) => minute < changeAt).length,
      delay: (asked.find((minute) => minute >= changeAt) ?? changeAt + weekMinutes) - changeAt,
      dummyDelay: (dummyPhase - (changeAt % dayMinutes) + dayMinutes) % dayMinutes,
    }
  })
  return {
    falseAlarmsPerWeek: results.reduce((sum, { falseAlarms }) => sum + falseAlarms, 0) / (entities * quietWeeks),
    delays: results.map(({ delay }) => delay),
    dummyFalseAlarmsPerWeek: weekMinutes / dayMinutes,
    dummyDelays: results.map(({ dummyDelay }) => dummyDelay),
  }
}

/** A score for each minute; from `changeAt` on at twice the level. */
function scoresOf(seed: number, changeAt: number, count: number): Float32Array {
  const random = createRandom(seed + 1_000_000)
  const gauss = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const season = 0.5 * random()
  const phase = random() * dayMinutes
  const scores = new Float32Array(count)
  let wobble = 0
  let incident = 0
  for (let minute = 0; minute < count; minute++) {
    wobble = carried * wobble + Math.sqrt(1 - carried ** 2) * gauss()
    if (random() < incidentsPerWeek / weekMinutes) incident = 10 + Math.floor(random() * 20)
    const isWeekend = minute % weekMinutes >= 5 * dayMinutes
    const day = 1 + season * Math.sin((2 * Math.PI * (minute - phase)) / dayMinutes) * (isWeekend ? 0.3 : 1)
    const level = 0.35 * day * (minute >= changeAt ? 2 : 1)
    scores[minute] = incident-- > 0 ? 1.5 + random() : level * Math.exp(0.3 * wobble)
  }
  return scores
}

/** Of a window of ten rows nine are those of the one before. */
const carried = 0.9
const incidentsPerWeek = 2

/** Minutes at which the service, as it comes, asks for a retraining. */
function requestsOn(scores: Float32Array): number[] {
  const { detector, delta, cooldown, requests_per_week: requestsPerWeek, forget_after: forgetAfter } = driftSchema.parse({})
  const limits = { cooldownMs: cooldown.ms, requestsPerWeek, afterSamples: 0, maxSeries: 10, forgetAfterMs: forgetAfter.ms }
  const step = createDriftStep({
    enabled: true,
    detector,
    delta,
    ...limits,
    controlTopic: 'control',
    observe: () => {},
    observeVerdict: () => {},
  })
  const asked: number[] = []
  for (let from = 0; from < scores.length; from += batchMinutes) {
    const value = batchOf(scores.subarray(from, from + batchMinutes), from)
    const record = { topic: 'scores', partition: 0, offset: BigInt(from), timestampMs: 0, key: null, value, headers: new Map() }
    step.process(record, (output) => asked.push((decode('Control', output.value!).requestedAtMs - startMs) / minuteMs))
  }
  return asked
}

const series = buildSeriesTable([
  seriesIdentity(
    sortedLabels([
      ['__name__', 'lapwing_entity_score'],
      ['instance', 'a'],
    ]),
    ['instance'],
  ),
])

function batchOf(scores: Float32Array, fromMinute: number): Buffer {
  const count = scores.length
  const fromMs = startMs + fromMinute * minuteMs
  const unused = bytesOf(new Float32Array(count))
  return encode('ScoreBatch', {
    source: 'lapwing_entity_score',
    kind: 'live',
    sourceOffset: fromMinute,
    stepMs: minuteMs,
    newestMs: fromMs + (count - 1) * minuteMs,
    model: 'pca/1',
    series,
    samplesPerSeries: bytesOf(Uint32Array.of(count)),
    timestampsMs: bytesOf(Float64Array.from(scores, (_, i) => fromMs + i * minuteMs)),
    values: bytesOf(new Float64Array(count)),
    flags: Buffer.alloc(count),
    scores: bytesOf(scores),
    expected: unused,
    lower: unused,
    upper: unused,
    confidence: unused,
    states: Buffer.alloc(count, seriesStates.indexOf('ok')),
    stateDetails: bytesOf(new Float64Array(count)),
    reasons: Buffer.alloc(count),
  })
}
