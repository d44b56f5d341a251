/**
 * The series of a batch as columns, with a symbol table for labels.
 *
 * Built once per batch by the ingestor; the detector copies it from the sample batch into the score batch without looking
 * inside; a reader decodes the labels of a series only when it meets its key for the first time.
 */
import { bytesOf, ColumnError, uint32Column } from './columns.ts'
import type { SeriesTable } from './records.ts'
import type { LabelSet } from './series.ts'

export const keyBytes = 16

export interface SeriesIdentity {
  /** 16 bytes. */
  readonly key: Uint8Array
  /** 16 bytes. */
  readonly entity: Uint8Array
  readonly labels: LabelSet
}

/** The columns of these series, in this order. */
export function buildSeriesTable(series: readonly SeriesIdentity[]): SeriesTable {
  const symbolNumbers = new Map<string, number>()
  const labelStarts = new Uint32Array(series.length + 1)
  for (let i = 0; i < series.length; i++) labelStarts[i + 1] = labelStarts[i]! + 2 * series[i]!.labels.length
  const labelSymbols = new Uint32Array(labelStarts[series.length]!)
  const keys = Buffer.allocUnsafe(series.length * keyBytes)
  const entities = Buffer.allocUnsafe(series.length * keyBytes)
  for (let i = 0, at = 0; i < series.length; i++) {
    const { key, entity, labels } = series[i]!
    copyKey(key, keys, i * keyBytes)
    copyKey(entity, entities, i * keyBytes)
    for (const { name, value } of labels) {
      labelSymbols[at++] = numberOf(name, symbolNumbers)
      labelSymbols[at++] = numberOf(value, symbolNumbers)
    }
  }
  return {
    keys,
    entities,
    labelStarts: bytesOf(labelStarts),
    labelSymbols: bytesOf(labelSymbols),
    ...symbolColumns(symbolNumbers),
  }
}

function symbolColumns(symbolNumbers: ReadonlyMap<string, number>): Pick<SeriesTable, 'symbolStarts' | 'symbols'> {
  const symbolStarts = new Uint32Array(symbolNumbers.size + 1)
  let length = 0
  for (const text of symbolNumbers.keys()) length += Buffer.byteLength(text)
  const symbols = Buffer.allocUnsafe(length)
  let symbol = 0
  for (const text of symbolNumbers.keys()) {
    const start = symbolStarts[symbol++]!
    symbolStarts[symbol] = start + symbols.write(text, start)
  }
  return { symbolStarts: bytesOf(symbolStarts), symbols }
}

/** Byte by byte: `set` costs more than so short a copy. */
function copyKey(key: Uint8Array, column: Buffer, at: number): void {
  for (let i = 0; i < keyBytes; i++) column[at + i] = key[i]!
}

export function seriesCount(table: SeriesTable): number {
  return table.keys.length / keyBytes
}

/** The key of series `index` as 32 hexadecimal digits. Throws a ColumnError when the table has no such series. */
export function keyText(table: SeriesTable, index: number): string {
  return hex(table.keys, index)
}

/** The entity key of series `index` as 32 hexadecimal digits. Throws a ColumnError when the table has no such series. */
export function entityText(table: SeriesTable, index: number): string {
  return hex(table.entities, index)
}

/**
 * Reads the labels of series `index`. Throws a ColumnError when the table points outside itself.
 *
 * Decoding the columns costs a copy, so a reader makes one `labelReader` a batch, and only when it meets an unknown series.
 */
export function labelReader(table: SeriesTable): (index: number) => LabelSet {
  const labelStarts = uint32Column(table.labelStarts, seriesCount(table) + 1)
  const labelSymbols = uint32Column(table.labelSymbols)
  const symbolStarts = uint32Column(table.symbolStarts)
  const symbols = Buffer.from(table.symbols.buffer, table.symbols.byteOffset, table.symbols.byteLength)
  const text = (symbol: number | undefined) => {
    const start = symbolStarts[symbol ?? -1]
    const end = symbolStarts[(symbol ?? -1) + 1]
    if (start === undefined || end === undefined || start > end || end > symbols.length) {
      throw new ColumnError(`symbol ${symbol} is outside the table`)
    }
    return symbols.toString('utf8', start, end)
  }
  return (index) => {
    const labels = []
    for (let at = labelStarts[index]!; at < labelStarts[index + 1]!; at += 2) {
      labels.push({ name: text(labelSymbols[at]), value: text(labelSymbols[at + 1]) })
    }
    return labels
  }
}

function numberOf(text: string, numbers: Map<string, number>): number {
  let number = numbers.get(text)
  if (number === undefined) {
    number = numbers.size
    numbers.set(text, number)
  }
  return number
}

function hex(column: Uint8Array, index: number): string {
  if ((index + 1) * keyBytes > column.length) throw new ColumnError(`key ${index} is outside the table`)
  return Buffer.from(column.buffer, column.byteOffset + index * keyBytes, keyBytes).toString('hex')
}
