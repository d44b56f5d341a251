/**
 * Fading novelty: a value is novel when its series has never, or not for long, been near it.
 *
 * Four small tables per series remember visited points: the value beside its slow mean; the medium mean; the volatility; the
 * value alone. "Near" is a share of the range the series itself has covered lately, points fade with disuse, and the surprise
 * of each table is divided by how surprising the series usually is. A row counts only when it is the most surprising of its
 * last `silenceRows`, so an anomaly is told once and not row by row.
 *
 * Strictly causal, no clock, no seasons, no chance; unchanged when a metric is scaled or shifted. Time constants are in rows and
 * were found on rows of 5 minutes. Blind to ordinary values at an unusual time, and to a change of rhythm inside the known
 * range.
 *
 * State lies in slabs, a slot per series; a row allocates nothing and costs one scan of the remembered points.
 */

import { memoryOf, takeInto } from './memory.ts'
import { blockLength, createTablePool, placeOf, resizeBlock, type TablePool, takeBlock } from './table-pool.ts'

/** The states of many series, a slot each. */
export interface NoveltyStates {
  /** Where the tables of points are, and last the queue of surprises. */
  readonly tables: Uint32Array
  readonly numbers: Float64Array
  readonly pool: TablePool
}

/** Room for `capacity` series; tables take memory of `pool`, which others may share, as they fill. */
export function createNoveltyStates(capacity: number, pool: TablePool = createTablePool()): NoveltyStates {
  return { tables: new Uint32Array(capacity * tablesPerSeries), numbers: new Float64Array(capacity * numbersPerSeries), pool }
}

/** Rows before which the usual surprise of a series is not known well enough to call anything novel. */
export const noveltyWarmUpRows = 200

/**
 * What a surprise is divided by: `telling * (floor + usualShare * usual)`, where `usual` is a mean over the largest distance of each block
 * of rows, none counted as more than `largestUsual`. Distances are shares of the series' own range.
 */
export interface SurpriseScale {
  readonly telling: number
  readonly floor: number
  readonly usualShare: number
  readonly largestUsual: number
  /** Quadratic: rare large surprises weigh more, so a bursty series is not told anew of each burst. */
  readonly mean: 'arithmetic' | 'quadratic'
}

/** Of the reference implementation: with it scores agree row by row. */
export const referenceScale: SurpriseScale = {
  telling: 0.744,
  floor: 0.02,
  usualShare: 3,
  largestUsual: 0.05,
  mean: 'arithmetic',
}

/** What is used; why: docs/adr/0023. */
export const burstScale: SurpriseScale = { telling: 0.65, floor: 0.03, usualShare: 2.46, largestUsual: 0.3, mean: 'quadratic' }

/**
 * Takes a finite value in and returns how novel it is: 0 for a row that is not the most surprising of its neighbourhood, from 1
 * on worth telling. Source of the constants: 29 files of the Numenta benchmark, see docs/models.md.
 */
export function observeNovelty(states: NoveltyStates, slot: number, value: number, scale = burstScale): number {
  const { numbers } = states
  const at = slot * numbersPerSeries
  const row = numbers[at + field.rows]!
  if (row === 0) begin(numbers, at, value)
  follow(numbers, at, value, row)
  let largest = 0
  let sum = 0
  for (let member = 0; member < members.length; member++) {
    const surprise = observeMember(states, slot, member, value, row, scale)
    largest = Math.max(largest, surprise)
    sum += surprise
  }
  if (row >= tableWarmUpRows && (row - tableWarmUpRows) % blockRows === blockRows - 1) endBlock(states, slot, scale)
  widen(numbers, at + field.range, value)
  widen(numbers, at + field.range + rangeLength, numbers[at + field.volatility]!)
  numbers[at + field.rows] = row + 1
  const surprise = largest + othersShare * (sum - largest)
  return mostSurprising(states, slot, Math.fround(surprise), row) ? surprise / scale.telling : 0
}

/**
 * The memory of a slot, part by part, as it is: read for a snapshot, written to restore one. Of the tables only what is used, so a
 * part must be written before the next one is asked for.
 */
export function* noveltyViews(states: NoveltyStates, slot: number): Generator<Uint8Array> {
  const own = states.numbers.subarray(slot * numbersPerSeries, (slot + 1) * numbersPerSeries)
  yield memoryOf(own)
  for (const [table, member] of members.entries()) {
    yield usedPart(states, slot * tablesPerSeries + table, own[member.numbers + memberNumbers.used]!, member)
  }
  yield usedPart(states, slot * tablesPerSeries + queueTable, own[field.queued]!, queueSpec)
}

/**
 * As `noveltyViews` for the layout of snapshot version 1: numbers, the last `silenceRows` surprises as a ring, then the tables. Returns
 * how many bytes it was.
 */
export function restoreNoveltyVersion1(states: NoveltyStates, slot: number, bytes: Uint8Array): number {
  const own = states.numbers.subarray(slot * numbersPerSeries, (slot + 1) * numbersPerSeries)
  const numbers = new Float64Array(30)
  const ring = new Float32Array(silenceRows)
  let at = takeInto(memoryOf(numbers), bytes, 0)
  at = takeInto(memoryOf(ring), bytes, at)
  own.set(numbers.subarray(0, field.queued))
  own.set(numbers.subarray(8), field.range)
  own[field.queued] = 0
  const rows = own[field.rows]!
  for (let row = Math.max(0, rows - silenceRows); row < rows; row++) mostSurprising(states, slot, ring[row % silenceRows]!, row)
  for (const [table, member] of members.entries()) {
    const part = usedPart(states, slot * tablesPerSeries + table, own[member.numbers + memberNumbers.used]!, member)
    at = takeInto(part, bytes, at)
  }
  return at
}

function usedPart({ tables, pool }: NoveltyStates, at: number, used: number, { width, capacity }: TableSpec): Uint8Array {
  const words = Math.min(Math.max(used, 0), capacity) * width
  // A damaged count may be no number.
  if (!(words > 0)) return new Uint8Array(0)
  if (blockLength(tables[at]!) < words) tables[at] = resizeBlock(pool, tables[at]!, words, 0)
  const { chunk, start } = placeOf(pool, tables[at]!)
  return memoryOf(chunk.subarray(start, start + words))
}

/** A row is compared with this many before it. */
export const silenceRows = 150
/** What the members beside the most surprised one add. */
const othersShare = 0.3
const tableWarmUpRows = 100
const blockRows = 50
/** Rows until an unvisited point has lost half its weight. */
const halfLifeRows = 4000
const epochRows = 8000
const fade = Math.LN2 / halfLifeRows
/** Share of the range within which a point counts as visited again. */
const nearShare = 0.03
const largestNovelty = 2
const largestWeight = 8
const forgottenWeight = 0.5

interface TableSpec {
  /** Most points. */
  readonly capacity: number
  /** Words a point takes. */
  readonly width: number
}

/** Points are coordinates and a weight. */
interface Member extends TableSpec {
  readonly kind: 'value-in-context' | 'medium-mean' | 'volatility' | 'value'
  /** Which of the two ranges makes its unit: 0 value, 1 volatility. */
  readonly range: number
  /** Where its own numbers begin. */
  readonly numbers: number
}

const memberNumbers = { used: 0, usual: 1, blockMax: 2 } as const
const rangeLength = 5
const field = {
  rows: 0,
  slowMean: 1,
  mediumMean: 2,
  volatility: 3,
  previous: 4,
  blocks: 5,
  /** Entries of the queue of surprises. */
  queued: 6,
  /** Twice: low, high, low and high of the epoch before, last. */
  range: 7,
  members: 17,
} as const

const members: readonly Member[] = [
  { kind: 'value-in-context', range: 0, capacity: 256, width: 3, numbers: field.members },
  { kind: 'medium-mean', range: 0, capacity: 128, width: 2, numbers: field.members + 3 },
  { kind: 'volatility', range: 1, capacity: 128, width: 2, numbers: field.members + 6 },
  { kind: 'value', range: 0, capacity: 128, width: 2, numbers: field.members + 9 },
]
const numbersPerSeries = field.members + 12
const queueTable = members.length
const tablesPerSeries = members.length + 1
/** Surprises with their rows, oldest first, each smaller than the one before: those that can still be the largest of their silence. */
const queueSpec: TableSpec = { capacity: silenceRows, width: 2 }

function begin(numbers: Float64Array, at: number, value: number): void {
  numbers[at + field.slowMean] = numbers[at + field.mediumMean] = numbers[at + field.previous] = value
  for (let i = 0; i < rangeLength; i++) numbers[at + field.range + i] = value
}

/** Means and volatility; at the end of an epoch the range begins anew, so that an old extreme is forgotten. */
function follow(numbers: Float64Array, at: number, value: number, row: number): void {
  numbers[at + field.slowMean]! += 0.01 * (value - numbers[at + field.slowMean]!)
  numbers[at + field.mediumMean]! += 0.03 * (value - numbers[at + field.mediumMean]!)
  numbers[at + field.volatility]! += 0.02 * (Math.abs(value - numbers[at + field.previous]!) - numbers[at + field.volatility]!)
  numbers[at + field.previous] = value
  if (row === 0 || row % epochRows !== 0) return
  for (let range = at + field.range; range < at + field.members; range += rangeLength) {
    numbers[range + 2] = numbers[range]!
    numbers[range + 3] = numbers[range + 1]!
    numbers[range] = numbers[range + 1] = numbers[range + 4]!
  }
}

function widen(numbers: Float64Array, range: number, value: number): void {
  numbers[range] = Math.min(numbers[range]!, value)
  numbers[range + 1] = Math.max(numbers[range + 1]!, value)
  numbers[range + 4] = value
}

function observeMember(
  states: NoveltyStates,
  slot: number,
  table: number,
  value: number,
  row: number,
  { floor, usualShare, largestUsual }: SurpriseScale,
): number {
  const { numbers } = states
  const member = members[table]!
  const at = slot * numbersPerSeries
  const range = at + field.range + member.range * rangeLength
  const spread = Math.max(numbers[range + 1]!, numbers[range + 3]!) - Math.min(numbers[range]!, numbers[range + 2]!)
  const coordinate = coordinateOf(member, numbers, at, value)
  const nearest = visit(states, slot, table, coordinate, spread <= 0 ? 1e-12 : spread)
  const novelty = row >= tableWarmUpRows && nearest < Number.POSITIVE_INFINITY ? Math.min(nearest, largestNovelty) : 0
  const own = at + member.numbers
  numbers[own + memberNumbers.blockMax] = Math.max(numbers[own + memberNumbers.blockMax]!, Math.min(novelty, largestUsual))
  return novelty / (floor + usualShare * numbers[own + memberNumbers.usual]!)
}

function coordinateOf(member: Member, numbers: Float64Array, at: number, value: number): number {
  if (member.kind === 'medium-mean') return numbers[at + field.mediumMean]!
  if (member.kind === 'volatility') return numbers[at + field.volatility]!
  return value
}

/** Distance to the nearest remembered point, as a share of `spread`; the visit is remembered. Infinite in an empty table. */
function visit(states: NoveltyStates, slot: number, table: number, coordinate: number, spread: number): number {
  const { tables, numbers, pool } = states
  const member = members[table]!
  const at = slot * numbersPerSeries
  const own = at + member.numbers
  const { width } = member
  const handle = slot * tablesPerSeries + table
  if (tables[handle] === 0) tables[handle] = takeBlock(pool, width)
  let { chunk: points, start } = placeOf(pool, tables[handle]!)
  const slowMean = numbers[at + field.slowMean]!
  // As integers: the scan compares positions at each point, and numbers out of a float64 column would stay floating.
  let end = (start + numbers[own + memberNumbers.used]! * width) | 0
  if (width === 3) end = scanPairs(points, start, end, coordinate, slowMean)
  else end = scanValues(points, start, end, coordinate)
  const nearest = scanned.nearest / spread
  const { nearestAt } = scanned
  if (nearestAt >= 0 && nearest <= nearShare) {
    points[nearestAt + width - 1] = Math.min(points[nearestAt + width - 1]! + 1, largestWeight)
  } else {
    const isFull = end === start + member.capacity * width
    if (!isFull && end + width > start + blockLength(tables[handle]!)) {
      const used = end - start
      tables[handle] = resizeBlock(pool, tables[handle]!, used + width, used)
      ;({ chunk: points, start } = placeOf(pool, tables[handle]!))
      end = start + used
    }
    const target = isFull ? lightest(points, start, member) : end
    if (!isFull) end += width
    points[target] = coordinate
    if (width === 3) points[target + 1] = slowMean
    points[target + width - 1] = 1
  }
  numbers[own + memberNumbers.used] = (end - start) / width
  return nearest
}

/** What the last scan found. Shared: a scan and what follows from it are synchronous. */
const scanned = { nearest: Number.POSITIVE_INFINITY, nearestAt: -1 }

/** Fades the points of one coordinate, drops the forgotten ones and finds the nearest; returns where the table now ends. */
function scanValues(points: Float32Array, table: number, tableEnd: number, coordinate: number): number {
  let end = tableEnd
  let nearest = Number.POSITIVE_INFINITY
  let nearestAt = -1
  for (let point = table; point < end; ) {
    const weight = points[point + 1]!
    if (weight < forgottenWeight) {
      end -= 2
      points.copyWithin(point, end, end + 2)
      continue
    }
    const distance = Math.abs(coordinate - points[point]!)
    if (distance < nearest) {
      nearest = distance
      nearestAt = point
    }
    points[point + 1] = weight * (1 - fade)
    point += 2
  }
  scanned.nearest = nearest
  scanned.nearestAt = nearestAt
  return end
}

/** As `scanValues`, for points of two coordinates: a loop of its own, because this is where most of a row's time goes. */
function scanPairs(points: Float32Array, table: number, tableEnd: number, first: number, second: number): number {
  let end = tableEnd
  let nearest = Number.POSITIVE_INFINITY
  let nearestAt = -1
  for (let point = table; point < end; ) {
    const weight = points[point + 2]!
    if (weight < forgottenWeight) {
      end -= 3
      points.copyWithin(point, end, end + 3)
      continue
    }
    const distance = Math.abs(first - points[point]!) + Math.abs(second - points[point + 1]!)
    if (distance < nearest) {
      nearest = distance
      nearestAt = point
    }
    points[point + 2] = weight * (1 - fade)
    point += 3
  }
  scanned.nearest = nearest
  scanned.nearestAt = nearestAt
  return end
}

function lightest(points: Float32Array, table: number, { capacity, width }: Member): number {
  let found = table
  for (let point = table; point < table + capacity * width; point += width) {
    if (points[point + width - 1]! < points[found + width - 1]!) found = point
  }
  return found
}

/** What the largest surprise of a block was is what the series usually does. Tables that have shrunk move to smaller blocks. */
function endBlock({ numbers, tables, pool }: NoveltyStates, slot: number, { mean }: SurpriseScale): void {
  const at = slot * numbersPerSeries
  const blocks = ++numbers[at + field.blocks]!
  for (const [table, { width, numbers: offset }] of members.entries()) {
    const own = at + offset
    const usual = numbers[own + memberNumbers.usual]!
    const largest = numbers[own + memberNumbers.blockMax]!
    const weight = Math.max(1 / blocks, 0.02)
    numbers[own + memberNumbers.usual] =
      mean === 'quadratic'
        ? Math.sqrt(usual * usual + weight * (largest * largest - usual * usual))
        : usual + weight * (largest - usual)
    numbers[own + memberNumbers.blockMax] = 0
    const words = numbers[own + memberNumbers.used]! * width
    const handle = slot * tablesPerSeries + table
    if (words * spareToShrink < blockLength(tables[handle]!)) tables[handle] = resizeBlock(pool, tables[handle]!, words, words)
  }
}

/** A table moves to a smaller block when that leaves it some room to grow again. */
const spareToShrink = 1.6

/**
 * True when no surprise of the last `silenceRows` was as large. Only those that are larger than all after them can be the largest
 * one day, so the others are not kept.
 */
function mostSurprising({ numbers, tables, pool }: NoveltyStates, slot: number, surprise: number, row: number): boolean {
  const at = slot * numbersPerSeries
  let queued = numbers[at + field.queued]!
  if (queued === 0 && surprise <= 0) return false
  const handle = slot * tablesPerSeries + queueTable
  if (tables[handle] === 0) tables[handle] = takeBlock(pool, queueSpec.width)
  let { chunk, start } = placeOf(pool, tables[handle]!)
  let past = 0
  while (past < queued && row - chunk[start + 2 * past + 1]! > silenceRows) past++
  if (past > 0) {
    chunk.copyWithin(start, start + 2 * past, start + 2 * queued)
    queued -= past
  }
  const most = surprise > (queued > 0 ? chunk[start]! : 0)
  while (queued > 0 && chunk[start + 2 * queued - 2]! <= surprise) queued--
  if (surprise > 0) {
    if (2 * queued + 2 > blockLength(tables[handle]!)) {
      tables[handle] = resizeBlock(pool, tables[handle]!, 2 * queued + 2, 2 * queued)
      ;({ chunk, start } = placeOf(pool, tables[handle]!))
    }
    chunk[start + 2 * queued] = surprise
    chunk[start + 2 * queued + 1] = row
    queued++
  }
  numbers[at + field.queued] = queued
  return most
}
