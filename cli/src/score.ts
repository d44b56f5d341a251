/**
 * `lapwing score`: CSV files in, the same tree of files with scores out, through the detector of the service.
 *
 * A file is one series, `timestamp,value` with a header line. Each row is scored before it is learned, in one pass and in
 * constant memory; `opened` is 1 on the row on which a person would be told. A value that is not a finite number is passed
 * through with a score of 0 and never reaches the model; a row that is not newer than the one before likewise. A file that
 * cannot be read as such is named with its line, and nothing is left half-written.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { SeriesDetector, type SeriesDetectorOptions } from '@lapwing/detection/series-detector'
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

interface InputFile {
  readonly path: string
  /** Relative to the input folder. */
  readonly name: string
  readonly bytes: number
}

async function csvFiles(input: string): Promise<InputFile[]> {
  const root = await stat(input).catch(() => {
    throw new UserError(`${input}: no such file or folder`)
  })
  if (root.isFile()) return [{ path: input, name: '', bytes: root.size }]
  const entries = await readdir(input, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.csv'))
    .map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(paths.sort().map(async (path) => ({ path, name: relative(input, path), bytes: (await stat(path)).size })))
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
    const { score, expected, lower, upper, transition, state } = detector.verdict
    const opened = transition === 'opened' ? 1 : 0
    summary.opened += opened
    episodeRows = state === 'anomalous' ? episodeRows + 1 : 0
    summary.longestEpisodeRows = Math.max(summary.longestEpisodeRows, episodeRows)
    yield `${timestamp},${value},${short(score)},${short(expected)},${short(lower)},${short(upper)},${opened}\n`
  }
  if (!columns) throw new UserError(`${path}:1: the file is empty, expected a header line "timestamp,value"`)
}

interface Columns {
  readonly timestamp: number
  readonly value: number
}

function readHeader(line: string, path: string): Columns {
  const names = line
    .replace(/^\uFEFF/, '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
  const columns = { timestamp: names.indexOf('timestamp'), value: names.indexOf('value') }
  if (columns.timestamp < 0 || columns.value < 0) {
    throw new UserError(`${path}:1: expected a header line with the columns timestamp and value, found "${line.slice(0, 80)}"`)
  }
  return columns
}

/** Milliseconds since the epoch from ISO 8601 (UTC unless it says otherwise), or from seconds or milliseconds as a number. */
function readTimestamp(text: string, place: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) > newestSeconds ? Number(text) : Number(text) * 1000
  const ms = Date.parse(/[zZ]$|[+-]\d\d:?\d\d$/.test(text) ? text : `${text.replace(' ', 'T')}Z`)
  if (Number.isNaN(ms))
    throw new UserError(`${place}: timestamp: expected 2026-01-31 13:45:00 or seconds since 1970, found "${text}"`)
  return ms
}

/** Numbers above are milliseconds: as seconds they would lie beyond the year 5000. */
const newestSeconds = 1e11

const notANumber = new Set(['', 'nan', 'null', 'inf', '+inf', '-inf', 'infinity', '-infinity'])

function readValue(text: string, place: string): number {
  if (notANumber.has(text.toLowerCase())) return Number.NaN
  const value = Number(text)
  if (Number.isNaN(value)) throw new UserError(`${place}: value: expected a number, found "${text}"`)
  return value
}

/** Seven significant digits: what a 32-bit float holds. */
function short(value: number): string {
  return String(Number(value.toPrecision(7)))
}
