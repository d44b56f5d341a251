/**
 * A CSV file (or .csv.gz) in which each column is a channel and each row an instant, read row by row in constant memory.
 *
 * The first line names the columns. `label` is ignored; `timestamp` is no channel and is kept as text. An empty cell, NaN or an
 * infinity is a missing value. Cells are not quoted. A mistake is named with file, line and column.
 */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import type { Rows } from '@lapwing/deep/rows'
import { UserError } from './user-error.ts'

export interface ChannelTable {
  readonly channels: readonly string[]
  readonly hasTimestamp: boolean
  /** The same object each time. */
  rows(): AsyncIterable<TableRow>
}

export interface TableRow {
  /** A value for each channel, NaN where there is none. */
  readonly values: Float64Array
  /** Empty when there is no such column. */
  timestamp: string
  lineNumber: number
}

/** @param onProgress called with the share of the file's bytes read. Throws UserError, also while rows are read. */
export async function openChannelTable(path: string, onProgress: (share: number) => void): Promise<ChannelTable> {
  const file = await stat(path).catch(() => {
    throw new UserError(`${path}: no such file`)
  })
  if (!file.isFile()) throw new UserError(`${path}: expected a .csv or .csv.gz file, found a folder`)
  const lines = readLines(path, file.size, onProgress)
  const first = await lines.next()
  if (first.done) throw new UserError(`${path}:1: the file is empty, expected a header line with a name for each channel`)
  const columns = readHeader(first.value, path)
  return {
    channels: columns.filter(({ role }) => role === 'channel').map(({ name }) => name),
    hasTimestamp: columns.some(({ role }) => role === 'timestamp'),
    rows: () => readRows(lines, columns, path),
  }
}

/** All rows of a table, for training. */
export async function collectRows(table: ChannelTable): Promise<Rows> {
  const channels = table.channels.length
  let values = new Float64Array(1024 * channels)
  let count = 0
  for await (const row of table.rows()) {
    if ((count + 1) * channels > values.length) {
      const larger = new Float64Array(values.length * 2)
      larger.set(values)
      values = larger
    }
    values.set(row.values, count * channels)
    count++
  }
  return { channels, count, values: values.subarray(0, count * channels) }
}

interface Column {
  readonly name: string
  readonly role: 'channel' | 'timestamp' | 'ignored'
}

async function* readLines(path: string, totalBytes: number, onProgress: (share: number) => void): AsyncGenerator<string> {
  const file = createReadStream(path)
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  file.on('error', (error) => input.destroy(error))
  input.on('data', () => onProgress(totalBytes > 0 ? file.bytesRead / totalBytes : 1))
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  // readline does not hand on errors of its input: without this a broken .gz would look like its end.
  const failed = new Promise<never>((_, reject) => input.on('error', reject))
  failed.catch(() => {})
  try {
    const iterator = lines[Symbol.asyncIterator]()
    for (;;) {
      const next = await Promise.race([iterator.next(), failed])
      if (next.done) break
      yield next.value
    }
    if (input.errored) throw input.errored
  } catch (error) {
    throw new UserError(`${path}: cannot be read: ${(error as Error).message}`)
  } finally {
    lines.close()
    file.destroy()
  }
}

function readHeader(line: string, path: string): Column[] {
  const columns = line
    .replace(/^\uFEFF/, '')
    .split(',')
    .map((cell): Column => {
      const name = cell.trim()
      const known = name.toLowerCase()
      return { name, role: known === 'label' ? 'ignored' : known === 'timestamp' ? 'timestamp' : 'channel' }
    })
  const channels = columns.filter(({ role }) => role === 'channel').map(({ name }) => name)
  if (channels.length === 0) throw new UserError(`${path}:1: expected a column for each channel, found "${line.slice(0, 80)}"`)
  const unnamed = columns.findIndex(({ name }) => name === '')
  if (unnamed >= 0) throw new UserError(`${path}:1: column ${unnamed + 1} has no name`)
  const twice = channels.find((name, i) => channels.indexOf(name) < i)
  if (twice !== undefined) throw new UserError(`${path}:1: the column ${twice} is there twice`)
  if (columns.every(({ name }) => name !== '' && Number.isFinite(Number(name)))) {
    throw new UserError(`${path}:1: expected a header line with a name for each channel, found numbers`)
  }
  return columns
}

async function* readRows(lines: AsyncIterable<string>, columns: readonly Column[], path: string): AsyncGenerator<TableRow> {
  const row: TableRow = {
    values: new Float64Array(columns.filter(({ role }) => role === 'channel').length),
    timestamp: '',
    lineNumber: 1,
  }
  for await (const line of lines) {
    row.lineNumber++
    if (line.trim() === '') continue
    const cells = line.split(',')
    if (cells.length !== columns.length) {
      throw new UserError(`${path}:${row.lineNumber}: expected ${columns.length} columns as in the header, found ${cells.length}`)
    }
    let channel = 0
    for (let i = 0; i < columns.length; i++) {
      const { role, name } = columns[i]!
      if (role === 'channel') row.values[channel++] = readNumber(cells[i]!, name, path, row.lineNumber)
      else if (role === 'timestamp') row.timestamp = cells[i]!.trim()
    }
    yield row
  }
}

const missing = new Set(['', 'nan', 'null', 'inf', '+inf', '-inf', 'infinity', '+infinity', '-infinity'])

function readNumber(cell: string, column: string, path: string, lineNumber: number): number {
  const value = Number(cell)
  if (Number.isFinite(value) && cell !== '') {
    if (value !== 0 || cell.trim() !== '') return value
  }
  if (missing.has(cell.trim().toLowerCase())) return Number.NaN
  throw new UserError(`${path}:${lineNumber}: ${column}: expected a number, found "${cell.trim().slice(0, 40)}"`)
}
