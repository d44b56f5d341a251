/**
 * Isolation forest: how few random cuts it takes to set a row apart from a sample of history.
 *
 * Each tree cuts a random sample of the history at random places of random channels until every row stands alone or the tree is
 * as high as a balanced one. A row that ends after few cuts is unusual: its isolation, 2^(-mean path / usual path), is near 1. The
 * score is a power of isolation, such that the share `contamination` of the history is above 1 and its median at a quarter: isolation
 * itself hardly tells usual rows from unusual ones by its size.
 *
 * Each channel's share is how much more its cuts narrowed down the row's company than a cut in half would.
 *
 * Blind to what is unusual only in the relation of channels or in time: rows are judged one by one, along one axis at a time.
 *
 * Source: Liu, Ting, Zhou, "Isolation Forest", ICDM 2008; defaults as in scikit-learn, which it matches in AUC.
 */
import { type BatchModel, known, mediansOf, rowsOf, type Table, toShares, upperQuantile } from './batch-model.ts'
import { memoryOf, takeInto } from './memory.ts'
import { createRandom } from './random.ts'

export interface IsolationForestOptions {
  readonly trees: number
  /** Rows each tree sees, 2 to 4,096; fewer when there are not as many. */
  readonly sampleRows: number
  /** Share of the history, above 0 and at most 0.5, that counts as anomalous. */
  readonly contamination: number
  readonly seed: number
}

export const usualIsolationForest = { trees: 100, sampleRows: 256, contamination: 0.01, seed: 1 } as const

export interface IsolationForest extends BatchModel {
  /** Compact, versioned, little-endian; `readIsolationForest` gives the same scores. */
  toBytes(): Uint8Array
}

/** Throws a RangeError when an option is out of range or the table has no whole row. */
export function fitIsolationForest(table: Table, options: IsolationForestOptions): IsolationForest {
  const { trees, sampleRows, contamination, seed } = options
  if (!(sampleRows >= 2 && sampleRows <= mostSampleRows)) {
    throw new RangeError(`samples of ${sampleRows} rows, expected 2 to ${mostSampleRows}`)
  }
  const usual = mediansOf(table)
  const filled = withoutGaps(table, usual)
  const rows = rowsOf(table)
  const random = createRandom(seed)
  const sampled = Math.min(sampleRows, rows)
  const growing = createGrowing(filled, Math.max(1, Math.ceil(Math.log2(Math.max(sampled, 2)))), random)
  const roots: number[] = []
  for (let tree = 0; tree < trees; tree++) {
    roots.push(growing.cutChannel.length)
    growNode(growing, sampleOf(rows, sampled, random), 0, sampled, 0, 0)
  }
  const unscaled: Forest = {
    usual,
    roots: Uint32Array.from(roots),
    cutChannel: Uint16Array.from(growing.cutChannel),
    cutAt: Float32Array.from(growing.cutAt),
    upperChild: Uint16Array.from(growing.upperChild),
    narrowing: Uint8Array.from(growing.narrowing),
    usualPath: usualPathLength(sampled),
    threshold: 1,
    power: 1,
  }
  const isolation = Float64Array.from({ length: rows }, (_, row) => isolationOf(unscaled, filled.values, row * table.channels))
  const threshold = upperQuantile(isolation, contamination)
  return modelOf({ ...unscaled, threshold, power: powerFor(upperQuantile(isolation, 0.5) / threshold) })
}

/** Throws a RangeError when the bytes are not those of a forest. */
export function readIsolationForest(bytes: Uint8Array): IsolationForest {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < headerBytes || view.getUint32(0, true) !== formatVersion) throw new RangeError('no isolation forest')
  const [trees, channels, nodes] = [view.getUint32(4, true), view.getUint32(8, true), view.getUint32(12, true)]
  const scaling = { usualPath: view.getFloat64(16, true), threshold: view.getFloat64(24, true), power: view.getFloat64(32, true) }
  const forest: Forest = { ...emptyColumns(trees, channels, nodes), ...scaling }
  let at = headerBytes
  for (const part of columnsOf(forest)) at = takeInto(part, bytes, at)
  if (at !== bytes.length) throw new RangeError(`an isolation forest of ${bytes.length} bytes, expected ${at}`)
  checkNodes(forest)
  return modelOf(forest)
}

const mostSampleRows = 4096
const formatVersion = 1
const headerBytes = 40

/** All trees node after node, each in preorder: a node's lower child follows it. */
interface Forest {
  /** Of each channel, where its value is missing. */
  readonly usual: Float64Array
  readonly roots: Uint32Array
  readonly cutChannel: Uint16Array
  /** Of a leaf: the length of the paths that end there. */
  readonly cutAt: Float32Array
  /** Nodes from this one to its upper child; 0 for a leaf. */
  readonly upperChild: Uint16Array
  /** How much more than halved its rows are beside its parent's: in sixteenths of a further halving, 0 when they are not. */
  readonly narrowing: Uint8Array
  readonly usualPath: number
  /** A score is (isolation / threshold) ^ power. */
  readonly threshold: number
  readonly power: number
}

const halvingSteps = 16

function emptyColumns(trees: number, channels: number, nodes: number) {
  if (nodes > 2 * mostSampleRows * trees || channels > 65535) throw new RangeError('no isolation forest')
  return {
    usual: new Float64Array(channels),
    roots: new Uint32Array(trees),
    cutChannel: new Uint16Array(nodes),
    cutAt: new Float32Array(nodes),
    upperChild: new Uint16Array(nodes),
    narrowing: new Uint8Array(nodes),
  }
}

function columnsOf({ usual, roots, cutChannel, cutAt, upperChild, narrowing }: Forest): Uint8Array[] {
  return [usual, roots, cutChannel, cutAt, upperChild, narrowing].map(memoryOf)
}

/** The score of the median row of history. */
const medianScore = 0.25
/** Where the history is all alike, no power tells it apart. */
const largestPower = 100

function powerFor(medianOverThreshold: number): number {
  return medianOverThreshold < 1 ? Math.min(largestPower, Math.log(medianScore) / Math.log(medianOverThreshold)) : 1
}

/** A damaged forest must not lead a walk astray. */
function checkNodes({ usual, roots, cutChannel, upperChild }: Forest): void {
  const nodes = upperChild.length
  const isWhole = upperChild.every(
    (distance, node) => distance === 0 || (node + distance < nodes && cutChannel[node]! < usual.length),
  )
  if (!isWhole || roots.some((root) => root >= nodes)) throw new RangeError('an isolation forest with nodes that lead nowhere')
}

function modelOf(forest: Forest): IsolationForest {
  const channels = forest.usual.length
  const filled = new Float64Array(channels)
  return {
    channels,
    score: (row, shares) => {
      for (let channel = 0; channel < channels; channel++) filled[channel] = known(row[channel]!, forest.usual[channel]!)
      shares.fill(0)
      const isolation = isolationOf(forest, filled, 0, shares)
      toShares(shares)
      return (isolation / forest.threshold) ** forest.power
    },
    toBytes: () => bytesOf(forest),
  }
}

function bytesOf(forest: Forest): Uint8Array {
  const parts = columnsOf(forest)
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, headerBytes))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, formatVersion, true)
  view.setUint32(4, forest.roots.length, true)
  view.setUint32(8, forest.usual.length, true)
  view.setUint32(12, forest.cutAt.length, true)
  view.setFloat64(16, forest.usualPath, true)
  view.setFloat64(24, forest.threshold, true)
  view.setFloat64(32, forest.power, true)
  let at = headerBytes
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/**
 * 0 to 1 of the row that begins at `from`; with `credit`, adds each channel's part to it.
 *
 * All trees are walked a level at a time, with arithmetic instead of branches: steps of different trees do not wait for each other,
 * and no processor could predict a comparison. Who has come to a leaf stays there.
 */
function isolationOf(forest: Forest, values: Float64Array, from: number, credit?: Float64Array): number {
  const { roots, cutChannel, cutAt, upperChild, narrowing } = forest
  const trees = roots.length
  if (nodes.length < trees) nodes = new Uint32Array(trees)
  for (let tree = 0; tree < trees; tree++) nodes[tree] = roots[tree]!
  for (let moving = 1; moving !== 0; ) {
    moving = 0
    for (let tree = 0; tree < trees; tree++) {
      const node = nodes[tree]!
      const toUpper = upperChild[node]!
      const isBelow = Number(values[from + cutChannel[node]!]! < cutAt[node]!)
      const isInner = Number(toUpper > 0)
      const next = node + (1 - isBelow) * toUpper + isBelow * isInner
      nodes[tree] = next
      moving |= toUpper
      if (credit) credit[cutChannel[node]!]! += isInner * narrowing[next]!
    }
  }
  let length = 0
  for (let tree = 0; tree < trees; tree++) length += cutAt[nodes[tree]!]!
  return 2 ** -(length / trees / forest.usualPath)
}

/** Where each tree's walk is. Shared: a walk is synchronous. */
let nodes = new Uint32Array(0)

/** Mean length of the path to a row in a random search tree of `rows` rows. */
function usualPathLength(rows: number): number {
  if (rows <= 1) return 0
  if (rows === 2) return 1
  return 2 * (Math.log(rows - 1) + eulerGamma) - (2 * (rows - 1)) / rows
}

const eulerGamma = 0.5772156649015329

function withoutGaps({ channels, values }: Table, usual: Float64Array): Table {
  // Cuts are kept as 32-bit floats, so what they cut is rounded alike: no row may change sides.
  return { channels, values: values.map((value, i) => Math.fround(known(value, usual[i % channels]!))) }
}

/** Rows of the table, drawn without replacement. */
function sampleOf(rows: number, count: number, random: () => number): Uint32Array {
  const all = Uint32Array.from({ length: rows }, (_, row) => row)
  for (let i = 0; i < count; i++) {
    const other = i + Math.floor(random() * (rows - i))
    ;[all[i], all[other]] = [all[other]!, all[i]!]
  }
  return all.subarray(0, count)
}

interface Growing {
  readonly table: Table
  readonly mostCuts: number
  readonly random: () => number
  readonly cutChannel: number[]
  readonly cutAt: number[]
  readonly upperChild: number[]
  readonly narrowing: number[]
  /** Scratch: channels in the order in which they are tried. */
  readonly order: Uint16Array
}

function createGrowing(table: Table, mostCuts: number, random: () => number): Growing {
  const order = Uint16Array.from({ length: table.channels }, (_, channel) => channel)
  return { table, mostCuts, random, cutChannel: [], cutAt: [], upperChild: [], narrowing: [], order }
}

/** Grows the node of `sample[from..to)`, and all below it. */
function growNode(growing: Growing, sample: Uint32Array, from: number, to: number, depth: number, halvings: number): void {
  const node = growing.cutAt.length
  const rows = to - from
  const cut = depth < growing.mostCuts && rows > 1 ? drawCut(growing, sample, from, to) : undefined
  growing.cutChannel.push(cut?.channel ?? 0)
  growing.cutAt.push(cut?.at ?? depth + usualPathLength(rows))
  growing.upperChild.push(0)
  growing.narrowing.push(Math.min(255, Math.max(0, Math.round((halvings - 1) * halvingSteps))))
  if (!cut) return
  const middle = partition(growing.table, sample, from, to, cut)
  growNode(growing, sample, from, middle, depth + 1, Math.log2(rows / (middle - from)))
  growing.upperChild[node] = growing.cutAt.length - node
  growNode(growing, sample, middle, to, depth + 1, Math.log2(rows / (to - middle)))
}

interface Cut {
  readonly channel: number
  /** Rows below it are on the lower side; there is at least one on each. */
  readonly at: number
}

/** A random place of a random channel; undefined when all rows are the same. */
function drawCut({ table, order, random }: Growing, sample: Uint32Array, from: number, to: number): Cut | undefined {
  for (let left = order.length; left > 0; left--) {
    const chosen = Math.floor(random() * left)
    const channel = order[chosen]!
    order[chosen] = order[left - 1]!
    order[left - 1] = channel
    let low = Number.POSITIVE_INFINITY
    let high = Number.NEGATIVE_INFINITY
    for (let i = from; i < to; i++) {
      const value = table.values[sample[i]! * table.channels + channel]!
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
    if (low === high) continue
    const at = Math.fround(low + random() * (high - low))
    return { channel, at: at > low && at <= high ? at : high }
  }
  return undefined
}

/** Brings the rows below the cut to the front; returns where the others begin. */
function partition({ channels, values }: Table, sample: Uint32Array, from: number, to: number, { channel, at }: Cut): number {
  let middle = from
  for (let i = from; i < to; i++) {
    const row = sample[i]!
    if (values[row * channels + channel]! >= at) continue
    sample[i] = sample[middle]!
    sample[middle++] = row
  }
  return middle
}
