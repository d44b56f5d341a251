/**
 * `lapwing score`: CSV files in, the same tree of files with scores out, through the detector of the service.
 *
 * A file is one series, `timestamp,value` with a header line. Each row is scored before it is learned, in one pass and in
 * constant memory; `opened` is 1 on the row on which a person would be told. A value that is not a finite number is passed
 * through with a score of 0 and never reaches the model; a row that is not newer than the one before likewise. A file that
 * cannot be read as such is named with its line, and nothing is left half-written.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { SeriesDetector, type SeriesDetectorOptions } from '@lapwing/detection/series-detector'
import { toldBound } from '@lapwing/detection/verdict'
import { csvFiles } from './csv-files.ts'
import { type Columns, readHeader, readTimestamp, readValue } from './csv-series.ts'
import { UserError } from './user-error.ts'

export interface ScoreOptions {
  /** A folder (any depth) or one file. */
  readonly input: string
  readonly output: string
  readonly detector: SeriesDetectorOptions
  /** Called with the bytes read so far, and of how many. */
  onProgress(doneBytes: number, totalBytes: number): void
}

export interface ScoreSummary {
  readonly file: string
  readonly rows: number
  readonly opened: number
  readonly longestEpisodeRows: number
}

/** Scores every `.csv` file below `input`. Throws UserError. */
export async function scoreFiles(options: ScoreOptions): Promise<ScoreSummary[]> {
  const files = await csvFiles(options.input)
  if (files.length === 0) throw new UserError(`${options.input}: no .csv files here`)
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const summaries: ScoreSummary[] = []
  let doneBytes = 0
  for (const { path, name, bytes } of files) {
    summaries.push(await scoreFile(path, name, options))
    doneBytes += bytes
    options.onProgress(doneBytes, totalBytes)
  }
  return summaries
}

async function scoreFile(path: string, name: string, { output, detector: detectorOptions }: ScoreOptions): Promise<ScoreSummary> {
  const target = name ? join(output, name) : output
  const unfinished = `${target}.unfinished`
  await mkdir(dirname(target), { recursive: true })
  const summary = { file: name || path, rows: 0, opened: 0, longestEpisodeRows: 0 }
  try {
    await pipeline(scoredRows(path, new SeriesDetector(detectorOptions), summary), createWriteStream(unfinished))
    await rename(unfinished, target)
    return summary
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}

const header = 'timestamp,value,anomaly_score,expected,lower,upper,opened\n'

/** The lines of the result; the summary is filled in on the way. */
async function* scoredRows(
  path: string,
  detector: SeriesDetector,
  summary: { -readonly [K in keyof ScoreSummary]: ScoreSummary[K] },
) {
  const sample = { timestampMs: 0, value: 0, imputed: false, stale: false, stepMs: 0, live: true }
  let columns: Columns | undefined
  let lineNumber = 0
  let episodeRows = 0
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    lineNumber++
    if (!columns) {
      columns = readHeader(line, path)
      yield header
      continue
    }
    if (line.trim() === '') continue
    const cells = line.split(',')
    const timestamp = cells[columns.timestamp]?.trim() ?? ''
    const value = cells[columns.value]?.trim() ?? ''
    sample.timestampMs = readTimestamp(timestamp, `${path}:${lineNumber}`)
    sample.value = readValue(value, `${path}:${lineNumber}`)
    summary.rows++
    if (!Number.isFinite(sample.value) || !detector.update(0, sample)) {
      yield `${timestamp},${value},0,,,,0\n`
      continue
    }
    const { verdict } = detector
    const { score, transition, state } = verdict
    const [expected, lower, upper] = [verdict.expected, verdict.lower, verdict.upper].map((bound) =>
      short(toldBound(bound, verdict)),
    )
    const opened = transition === 'opened' ? 1 : 0
    summary.opened += opened
    episodeRows = state === 'anomalous' ? episodeRows + 1 : 0
    summary.longestEpisodeRows = Math.max(summary.longestEpisodeRows, episodeRows)
    yield `${timestamp},${value},${short(score)},${expected},${lower},${upper},${opened}\n`
  }
  if (!columns) throw new UserError(`${path}:1: the file is empty, expected a header line "timestamp,value"`)
}

/** Seven significant digits: what a 32-bit float holds. */
function short(value: number): string {
  return String(Number(value.toPrecision(7)))
}
