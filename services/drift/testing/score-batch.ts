/** Score batches of one series for tests. */
import { decode, encode } from '@lapwing/contracts/codec'
import { bytesOf } from '@lapwing/contracts/columns'
import { type LabelSet, sortedLabels } from '@lapwing/contracts/series'
import { seriesStates } from '@lapwing/contracts/series-state'
import { buildSeriesTable, seriesIdentity } from '@lapwing/contracts/series-table'
import type { LogRecord } from '@lapwing/stream/log'

export const stepMs = 15_000
export const ok = seriesStates.indexOf('ok')
export const latencyLabels = sortedLabels(Object.entries({ __name__: 'latency', instance: 'a' }))

/** Scores around a level. */
export const noise = (count: number, level: number) => Array.from({ length: count }, (_, i) => level + 0.1 * Math.sin(i * 1.7))

export function scoreRecord(
  scores: readonly number[],
  from: number,
  state = ok,
  set: LabelSet = latencyLabels,
  everyMs = stepMs,
): LogRecord {
  const count = scores.length
  const column = bytesOf(new Float32Array(count))
  const value = encode('ScoreBatch', {
    source: 'test',
    kind: 'live',
    sourceOffset: from,
    stepMs: everyMs,
    newestMs: (from + count) * everyMs,
    model: 'm',
    series: buildSeriesTable([seriesIdentity(set, ['instance'])]),
    samplesPerSeries: bytesOf(Uint32Array.of(count)),
    timestampsMs: bytesOf(Float64Array.from(scores, (_, i) => (from + i) * everyMs)),
    values: bytesOf(new Float64Array(count)),
    flags: Buffer.alloc(count),
    scores: bytesOf(Float32Array.from(scores)),
    expected: column,
    lower: column,
    upper: column,
    confidence: column,
    states: Buffer.alloc(count, state),
    stateDetails: bytesOf(new Float64Array(count)),
    reasons: Buffer.alloc(count),
  })
  return { topic: 'scores', partition: 2, offset: BigInt(from), timestampMs: 0, key: null, value, headers: new Map() }
}

/** The same as the score of the entity under a version of its model. */
export const asScoreOfEntity = (record: LogRecord, model: string): LogRecord => ({
  ...record,
  value: encode('ScoreBatch', { ...decode('ScoreBatch', record.value!), source: 'lapwing_entity_score', model }),
})
