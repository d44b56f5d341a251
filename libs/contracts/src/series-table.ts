/**
 * The series of a batch as columns, with a symbol table for labels.
 *
 * Built once per batch by the ingestor; the detector copies it from the sample batch into the score batch without looking
 * inside; a reader decodes the labels of a series only when it meets its key for the first time.
 */
import { bytesOf, ColumnError, uint32Column } from './columns.ts'
import type { SeriesTable } from './records.ts'
import { entityHead, entityKey, type LabelSet, seriesKey } from './series.ts'

export const keyBytes = 16
const keyWords = keyBytes / 4

export interface SeriesIdentity {
  /** 16 bytes. */
  readonly key: Uint8Array
  /** 16 bytes. */
  readonly entity: Uint8Array
  readonly labels: LabelSet
  /** What decides its partition. */
  readonly entityHead: number
  /** Where key and entity lie together as eight numbers: what a table needs of them. */
  readonly words: Int32Array
  readonly wordsAt: number
  /** Name and value of each label in turn. */
  readonly texts: readonly LabelText[]
  /** Bytes of all of these in UTF-8. */
  readonly textBytes: number
}

/**
 * A text of labels, and where it stands in the table being built. Series that share a text share this object, so that a text met
 * again is neither hashed nor encoded.
 */
export interface LabelText {
  readonly text: string
  /** UTF-8. */
  readonly bytes: Uint8Array
  /** The last table that it was put into, and its number there. */
  table: number
  number: number
}

export function labelText(text: string): LabelText {
  return { text, bytes: Buffer.from(text), table: 0, number: 0 }
}

/**
 * @param entityBy names of the labels that make an entity
 * @param intern the same object for the same text, as far as it is remembered: a text with two objects stands in a table twice
 */
export function seriesIdentity(labels: LabelSet, entityBy: readonly string[], intern = labelText): SeriesIdentity {
  return identityWithin(entityKey(labels, entityBy), labels, intern)
}

/** Of a series whose entity does not follow from its labels. */
export function identityWithin(entityOf: Uint8Array, labels: LabelSet, intern = labelText): SeriesIdentity {
  const texts = labels.flatMap(({ name, value }) => [intern(name), intern(value)])
  const textBytes = texts.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const { words, wordsAt } = takeWords()
  const key = new Uint8Array(words.buffer, 4 * wordsAt, keyBytes)
  const entity = new Uint8Array(words.buffer, 4 * wordsAt + keyBytes, keyBytes)
  key.set(seriesKey(labels))
  entity.set(entityOf)
  return { key, entity, entityHead: entityHead(entity), words, wordsAt, labels, texts, textBytes }
}

/** Two kilobytes: an array stays as long as one of its series does. */
const seriesPerArray = 64
let sharedWords = new Int32Array(0)
let wordsUsed = 0

/**
 * A place for a key and an entity beside those of the series made before: what is read in the order in which it was made then lies in that
 * order, and costs no look at an object of its own. With ten thousand series most of the time of a table was waiting for memory.
 */
function takeWords(): Pick<SeriesIdentity, 'words' | 'wordsAt'> {
  if (wordsUsed === sharedWords.length) {
    sharedWords = new Int32Array(seriesPerArray * 2 * keyWords)
    wordsUsed = 0
  }
  wordsUsed += 2 * keyWords
  return { words: sharedWords, wordsAt: wordsUsed - 2 * keyWords }
}

let tables = 0

/** The columns of these series, in this order. */
export function buildSeriesTable(series: readonly SeriesIdentity[]): SeriesTable {
  const table = ++tables
  const labelStarts = new Uint32Array(series.length + 1)
  for (let i = 0; i < series.length; i++) labelStarts[i + 1] = labelStarts[i]! + series[i]!.texts.length
  const labelSymbols = new Uint32Array(labelStarts[series.length]!)
  const keys = new Uint32Array(series.length * keyWords)
  const entities = new Uint32Array(series.length * keyWords)
  const symbols: LabelText[] = []
  for (let i = 0, at = 0; i < series.length; i++) {
    const { words, wordsAt, texts } = series[i]!
    for (let from = wordsAt, to = i * keyWords; to < (i + 1) * keyWords; from++, to++) {
      keys[to] = words[from]!
      entities[to] = words[from + keyWords]!
    }
    for (let t = 0; t < texts.length; t++) {
      const text = texts[t]!
      if (text.table !== table) {
        text.table = table
        text.number = symbols.length
        symbols.push(text)
      }
      labelSymbols[at++] = text.number
    }
  }
  return {
    keys: bytesOf(keys),
    entities: bytesOf(entities),
    labelStarts: bytesOf(labelStarts),
    labelSymbols: bytesOf(labelSymbols),
    ...symbolColumns(symbols),
  }
}

function symbolColumns(texts: readonly LabelText[]): Pick<SeriesTable, 'symbolStarts' | 'symbols'> {
  const symbolStarts = new Uint32Array(texts.length + 1)
  for (let i = 0; i < texts.length; i++) symbolStarts[i + 1] = symbolStarts[i]! + texts[i]!.bytes.length
  const symbols = Buffer.allocUnsafe(symbolStarts[texts.length]!)
  for (let i = 0; i < texts.length; i++) copyBytes(texts[i]!.bytes, symbols, symbolStarts[i]!)
  return { symbolStarts: bytesOf(symbolStarts), symbols }
}

/** Byte by byte: `set` costs more than so short a copy as most are. */
function copyBytes(from: Uint8Array, to: Buffer, at: number): void {
  if (from.length > longCopy) to.set(from, at)
  else for (let i = 0; i < from.length; i++) to[at + i] = from[i]!
}

const longCopy = 48

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

function hex(column: Uint8Array, index: number): string {
  if ((index + 1) * keyBytes > column.length) throw new ColumnError(`key ${index} is outside the table`)
  return Buffer.from(column.buffer, column.byteOffset + index * keyBytes, keyBytes).toString('hex')
}
