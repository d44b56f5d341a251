/**
 * The history of an entity as rows, from what the samples topic holds: the last value of each series within each step.
 *
 * The whole partition is read, because a topic has no index by entity; batches without the entity are skipped after a look at its keys. Between two
 * portions the event loop is free, so that streaming goes on.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DecodeError, decode } from '@lapwing/contracts/codec'
import { ColumnError, float64Column, uint8Column, uint32Column } from '@lapwing/contracts/columns'
import type { SampleBatch } from '@lapwing/contracts/records'
import { type LabelSet, seriesText } from '@lapwing/contracts/series'
import { sampleFlags } from '@lapwing/contracts/series-state'
import { keyBytes, keyText, labelReader, seriesCount } from '@lapwing/contracts/series-table'
import type { Log, LogRecord } from '@lapwing/stream/log'

export interface HistoryRange {
  readonly entity: Buffer
  readonly fromMs: number
  readonly toMs: number
  readonly stepMs: number
}

export interface SeriesHistory {
  /** 32 hexadecimal digits. */
  readonly key: string
  readonly name: string
  readonly labels: LabelSet
  /** A value for each step; NaN where nothing was observed. */
  readonly values: Float64Array
}

/** More series than this of one entity are left: no model takes so many. */
const mostSeries = 2000

export async function readEntityHistory(
  log: Log,
  topic: string,
  partition: number,
  range: HistoryRange,
): Promise<SeriesHistory[]> {
  const { earliest, next } = (await log.offsets(topic))[partition]!
  const found = new Map<string, SeriesHistory>()
  for await (const records of log.readRange(topic, partition, earliest, next)) {
    for (const record of records) takeRecord(record, range, found)
    await nextTurn()
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** What cannot be read was told as a dead letter by whoever streams it. */
function takeRecord({ value }: LogRecord, range: HistoryRange, found: Map<string, SeriesHistory>): void {
  if (!value) return
  try {
    takeBatch(decode('SampleBatch', value), range, found)
  } catch (error) {
    if (!(error instanceof DecodeError) && !(error instanceof ColumnError)) throw error
  }
}

function takeBatch(batch: SampleBatch, range: HistoryRange, found: Map<string, SeriesHistory>): void {
  if (batch.newestMs < range.fromMs || !batch.series.entities.includes(range.entity)) return
  const count = seriesCount(batch.series)
  const samplesPerSeries = uint32Column(batch.samplesPerSeries, count)
  const timestampsMs = float64Column(batch.timestampsMs)
  const values = float64Column(batch.values, timestampsMs.length)
  const flags = uint8Column(batch.flags, timestampsMs.length)
  const labelsOf = labelReader(batch.series)
  for (let series = 0, at = 0; series < count; series++) {
    const to = at + samplesPerSeries[series]!
    const isOurs = batch.series.entities.subarray(series * keyBytes, (series + 1) * keyBytes).equals(range.entity)
    const history = isOurs ? historyOf(keyText(batch.series, series), () => labelsOf(series), range, found) : undefined
    for (; at < to; at++) {
      if (!history || flags[at]! & sampleFlags.stale) continue
      const step = Math.floor((timestampsMs[at]! - range.fromMs) / range.stepMs)
      if (step >= 0 && step < history.values.length) history.values[step] = values[at]!
    }
  }
}

function historyOf(
  key: string,
  readLabels: () => LabelSet,
  { fromMs, toMs, stepMs }: HistoryRange,
  found: Map<string, SeriesHistory>,
): SeriesHistory | undefined {
  const known = found.get(key)
  if (known || found.size >= mostSeries) return known
  const labels = readLabels()
  const values = new Float64Array(Math.floor((toMs - fromMs) / stepMs)).fill(Number.NaN)
  const made = { key, name: seriesText(labels), labels, values }
  found.set(key, made)
  return made
}
