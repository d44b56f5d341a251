/**
 * CSV files as the source of a backtest: each file below a folder is a series, `timestamp,value` with a header line.
 *
 * The name of the file is the metric, the folders above it are its `instance`: `node-1/load.csv` is `load{instance="node-1"}`. Times that
 * are all multiples of the step are taken as evaluations of a query, others as samples that were scraped.
 */
import { readFile } from 'node:fs/promises'
import { basename, dirname, extname } from 'node:path'
import { sortedLabels } from '@lapwing/contracts/series'
import type { EvaluationRange } from '@lapwing/prometheus/alignment'
import type { QuerySeries } from '@lapwing/prometheus/query-answer'
import { csvFiles } from '../csv-files.ts'
import { readHeader, readTimestamp, readValue } from '../csv-series.ts'
import { UserError } from '../user-error.ts'
import type { SeriesSource } from './backtest.ts'
import { createRecording } from './recording.ts'

export interface CsvSource extends SeriesSource {
  /** Milliseconds since the epoch. */
  readonly firstMs: number
  readonly lastMs: number
  /** What the distance of two rows most often is. */
  readonly usualStepMs: number
}

/** Rejects with a UserError, which names file and line. */
export async function csvSource(folder: string): Promise<CsvSource> {
  const files = await csvFiles(folder)
  const series = await Promise.all(files.map(({ path, name }) => readSeries(path, name)))
  const filled = series.filter(({ values }) => values.length > 0)
  if (filled.length === 0) throw new UserError(`${folder}: expected .csv files with rows here`)
  return {
    firstMs: Math.min(...filled.map(({ timestampsMs }) => timestampsMs[0]!)),
    lastMs: Math.max(...filled.map(({ timestampsMs }) => timestampsMs.at(-1)!)),
    usualStepMs: usualStepMs(filled),
    open: async ({ promql }, stepMs) => {
      const isAligned = filled.every(({ timestampsMs }) => timestampsMs.every((timestampMs) => timestampMs % stepMs === 0))
      const fetch = async (range: EvaluationRange) => filled.map((one) => within(one, range))
      const recording = createRecording(fetch, Number.POSITIVE_INFINITY, new Map())
      return { seriesName: promql, samples: isAligned ? 'evaluated' : 'scraped', recording }
    },
  }
}

function within({ labels, timestampsMs, values }: QuerySeries, { startMs, endMs, stepMs }: EvaluationRange): QuerySeries {
  const from = firstAfter(timestampsMs, startMs - stepMs)
  const to = firstAfter(timestampsMs, endMs)
  return { labels, timestampsMs: timestampsMs.slice(from, to), values: values.slice(from, to) }
}

/** Place of the first time after `afterMs`. */
function firstAfter(timestampsMs: readonly number[], afterMs: number): number {
  let low = 0
  let high = timestampsMs.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (timestampsMs[middle]! > afterMs) high = middle
    else low = middle + 1
  }
  return low
}

async function readSeries(path: string, name: string): Promise<QuerySeries> {
  const lines = (await readFile(path, 'utf8')).split(/\r?\n/)
  const columns = readHeader(lines[0] ?? '', path)
  const timestampsMs: number[] = []
  const values: number[] = []
  for (let i = 1; i < lines.length; i++) {
    if (lines[i]!.trim() === '') continue
    const cells = lines[i]!.split(',')
    const timestampMs = Math.round(readTimestamp(cells[columns.timestamp]?.trim() ?? '', `${path}:${i + 1}`))
    if (timestampMs <= (timestampsMs.at(-1) ?? Number.NEGATIVE_INFINITY))
      throw new UserError(`${path}:${i + 1}: timestamp: expected a later time than in the row before`)
    timestampsMs.push(timestampMs)
    values.push(readValue(cells[columns.value]?.trim() ?? '', `${path}:${i + 1}`))
  }
  return { labels: labelsOf(name === '' ? basename(path) : name), timestampsMs, values }
}

function labelsOf(name: string) {
  const folder = dirname(name)
  const metric = ['__name__', basename(name, extname(name))] as const
  return sortedLabels(folder === '.' ? [metric] : [metric, ['instance', folder]])
}

function usualStepMs(series: readonly QuerySeries[]): number {
  const distances = series
    .flatMap(({ timestampsMs }) => timestampsMs.slice(1, 1000).map((timestampMs, i) => timestampMs - timestampsMs[i]!))
    .sort((a, b) => a - b)
  return Math.max(1000, Math.round((distances[distances.length >> 1] ?? 60_000) / 1000) * 1000)
}
