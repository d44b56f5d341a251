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

import { memoryOf } from './memory.ts'

/** The states of many series, a slot each. */
export interface NoveltyStates {
  /** Points and weights of the tables. */
  points: Float32Array
  /** The last `silenceRows` surprises. */
  recent: Float32Array
  numbers: Float64Array
}

/** Room for `capacity` series; what `from` holds is taken over. */
export function createNoveltyStates(capacity: number, from?: NoveltyStates): NoveltyStates {
  const states = {
    points: new Float32Array(capacity * pointWords),
    recent: new Float32Array(capacity * silenceRows),
    numbers: new Float64Array(capacity * numbersPerSeries),
  }
  if (from) {
    states.points.set(from.points)
    states.recent.set(from.recent)
    states.numbers.set(from.numbers)
  }
  return states
}

/** Rows before which the usual surprise of a series is not known well enough to call anything novel. */
export const noveltyWarmUpRows = 200

/**
 * Takes a finite value in and returns how novel it is: 0 for a row that is not the most surprising of its neighbourhood, from 1
 * on worth telling. Source of the constants: 29 files of the Numenta benchmark, see docs/models.md.
 */
export function observeNovelty(states: NoveltyStates, slot: number, value: number): number {
  const { numbers } = states
  const at = slot * numbersPerSeries
  const row = numbers[at + field.rows]!
  if (row === 0) begin(numbers, at, value)
  follow(numbers, at, value, row)
  let largest = 0
  let sum = 0
  for (let member = 0; member < members.length; member++) {
    const surprise = observeMember(states, slot, members[member]!, value, row)
    largest = Math.max(largest, surprise)
    sum += surprise
  }
  if (row >= tableWarmUpRows && (row - tableWarmUpRows) % blockRows === blockRows - 1) endBlock(numbers, at)
  widen(numbers, at + field.range, value)
  widen(numbers, at + field.range + rangeLength, numbers[at + field.volatility]!)
  numbers[at + field.rows] = row + 1
  const surprise = largest + othersShare * (sum - largest)
  return mostSurprising(states, slot, surprise, row) ? surprise / tellingSurprise : 0
}

/**
 * The memory of a slot, part by part, as it is: read for a snapshot, written to restore one. Of the tables only what is used, so a
 * part must be written before the next one is asked for.
 */
export function* noveltyViews({ points, recent, numbers }: NoveltyStates, slot: number): Generator<Uint8Array> {
  const own = numbers.subarray(slot * numbersPerSeries, (slot + 1) * numbersPerSeries)
  yield memoryOf(own)
  yield memoryOf(recent.subarray(slot * silenceRows, (slot + 1) * silenceRows))
  for (const member of members) {
    const start = slot * pointWords + member.start
    const used = Math.min(own[member.numbers + memberNumbers.used]!, member.capacity)
    yield memoryOf(points.subarray(start, start + used * member.width))
  }
}

/** A row is compared with this many before it. */
export const silenceRows = 150
/** Surprise that is worth telling. */
const tellingSurprise = 0.744
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
const largestUsual = 0.05

interface Member {
  readonly kind: 'value-in-context' | 'medium-mean' | 'volatility' | 'value'
  /** Which of the two ranges makes its unit: 0 value, 1 volatility. */
  readonly range: number
  readonly capacity: number
  /** Words a point takes: coordinates and weight. */
  readonly width: number
  /** First word of its table within the series. */
  readonly start: number
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
  recentMax: 6,
  recentMaxRow: 7,
  /** Twice: low, high, low and high of the epoch before, last. */
  range: 8,
  members: 18,
} as const

const members: readonly Member[] = [
  { kind: 'value-in-context', range: 0, capacity: 256, width: 3, start: 0, numbers: field.members },
  { kind: 'medium-mean', range: 0, capacity: 128, width: 2, start: 768, numbers: field.members + 3 },
  { kind: 'volatility', range: 1, capacity: 128, width: 2, start: 1024, numbers: field.members + 6 },
  { kind: 'value', range: 0, capacity: 128, width: 2, start: 1280, numbers: field.members + 9 },
]
const pointWords = 1536
const numbersPerSeries = field.members + 12

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

function observeMember(states: NoveltyStates, slot: number, member: Member, value: number, row: number): number {
  const { numbers } = states
  const at = slot * numbersPerSeries
  const range = at + field.range + member.range * rangeLength
  const spread = Math.max(numbers[range + 1]!, numbers[range + 3]!) - Math.min(numbers[range]!, numbers[range + 2]!)
  const coordinate = coordinateOf(member, numbers, at, value)
  const nearest = visit(states, slot, member, coordinate, spread <= 0 ? 1e-12 : spread)
  const novelty = row >= tableWarmUpRows && nearest < Number.POSITIVE_INFINITY ? Math.min(nearest, largestNovelty) : 0
  const own = at + member.numbers
  numbers[own + memberNumbers.blockMax] = Math.max(numbers[own + memberNumbers.blockMax]!, Math.min(novelty, largestUsual))
  return novelty / (0.02 + 3 * numbers[own + memberNumbers.usual]!)
}

function coordinateOf(member: Member, numbers: Float64Array, at: number, value: number): number {
  if (member.kind === 'medium-mean') return numbers[at + field.mediumMean]!
  if (member.kind === 'volatility') return numbers[at + field.volatility]!
  return value
}

/** Distance to the nearest remembered point, as a share of `spread`; the visit is remembered. Infinite in an empty table. */
function visit(states: NoveltyStates, slot: number, member: Member, coordinate: number, spread: number): number {
  const { points, numbers } = states
  const at = slot * numbersPerSeries
  const own = at + member.numbers
  const { width } = member
  const table = slot * pointWords + member.start
  const slowMean = numbers[at + field.slowMean]!
  // As integers: the scan compares positions at each point, and numbers out of a float64 column would stay floating.
  let end = (table + numbers[own + memberNumbers.used]! * width) | 0
  if (width === 3) end = scanPairs(points, table, end, coordinate, slowMean)
  else end = scanValues(points, table, end, coordinate)
  const nearest = scanned.nearest / spread
  const { nearestAt } = scanned
  if (nearestAt >= 0 && nearest <= nearShare) {
    points[nearestAt + width - 1] = Math.min(points[nearestAt + width - 1]! + 1, largestWeight)
  } else {
    const isFull = end === table + member.capacity * width
    const target = isFull ? lightest(points, table, member) : end
    if (!isFull) end += width
    points[target] = coordinate
    if (width === 3) points[target + 1] = slowMean
    points[target + width - 1] = 1
  }
  numbers[own + memberNumbers.used] = (end - table) / width
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

/** What the largest surprise of a block was is what the series usually does. */
function endBlock(numbers: Float64Array, at: number): void {
  const blocks = ++numbers[at + field.blocks]!
  for (const member of members) {
    const own = at + member.numbers
    const usual = numbers[own + memberNumbers.usual]!
    numbers[own + memberNumbers.usual] = usual + Math.max(1 / blocks, 0.02) * (numbers[own + memberNumbers.blockMax]! - usual)
    numbers[own + memberNumbers.blockMax] = 0
  }
}

/** True when no surprise of the last `silenceRows` was as large. The largest is kept and searched for again only when it leaves. */
function mostSurprising({ recent, numbers }: NoveltyStates, slot: number, surprise: number, row: number): boolean {
  const at = slot * numbersPerSeries
  const first = slot * silenceRows
  if (row - numbers[at + field.recentMaxRow]! > silenceRows) {
    let age = 1
    for (let back = 1; back <= silenceRows; back++) {
      if (
        recent[first + ((row - back + silenceRows) % silenceRows)]! > recent[first + ((row - age + silenceRows) % silenceRows)]!
      )
        age = back
    }
    numbers[at + field.recentMax] = recent[first + ((row - age + silenceRows) % silenceRows)]!
    numbers[at + field.recentMaxRow] = row - age
  }
  const most = surprise > numbers[at + field.recentMax]!
  recent[first + (row % silenceRows)] = surprise
  if (surprise >= numbers[at + field.recentMax]!) {
    numbers[at + field.recentMax] = surprise
    numbers[at + field.recentMaxRow] = row
  }
  return most
}
