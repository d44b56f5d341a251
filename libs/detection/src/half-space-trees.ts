/**
 * Half-space trees: streaming isolation in a fixed set of random boxes, without labels and without retraining.
 *
 * A forest is random axis-parallel cuts of the box [0, 1]^features. The samples of one window are counted per box; the counts
 * of the window before are the reference. A sample in sparse boxes scores near 1, one in crowded boxes near 0. Only the leaf
 * has to be found for either, because everything else along the path is known from it: inner counts are sums of the leaves
 * below and change only when a window ends, so at that moment the score of each leaf is worked out once and kept.
 *
 * The shape depends on the seed alone and is shared by all series; a series owns two numbers a leaf, in slabs that hold many
 * series. Scores are 0 until the first window is full.
 *
 * Fails when features are not scaled to [0, 1] (outside values fall in the outermost boxes), and when anomalies come in
 * crowds as large as a window: then they are the reference.
 *
 * Source: Tan, Ting, Liu, "Fast Anomaly Detection for Streaming Data", IJCAI 2011; padding and size limit as in River.
 */
import { memoryOf } from './memory.ts'
import { createRandom } from './random.ts'

export interface HalfSpaceTreesOptions {
  readonly trees: number
  /** Cuts from root to leaf, 1 to 15. */
  readonly height: number
  readonly windowSamples: number
  readonly features: number
  readonly seed: number
}

/** The cuts, shared by all series. */
export interface Forest extends HalfSpaceTreesOptions {
  readonly leavesPerTree: number
  /** Inner nodes of each tree in heap order: the children of node i are 2i + 1 (below the cut) and 2i + 2. */
  readonly cutFeature: Uint8Array
  readonly cutAt: Float64Array
}

/** The counts of many series, a slot each. */
export interface Masses {
  readonly forest: Forest
  /** Samples of the current window per leaf. */
  readonly counts: Uint16Array
  /** What a sample in this leaf adds to the mass score, from the window before. */
  readonly leafScores: Uint32Array
  /** Samples of the current window. */
  readonly inWindow: Uint16Array
  /** 1 once a window has been completed. */
  readonly warm: Uint8Array
}

/** Throws a RangeError when an option is out of range. */
export function growForest(options: HalfSpaceTreesOptions): Forest {
  const { trees, height, windowSamples, features, seed } = options
  if (height < 1 || height > 15) throw new RangeError(`height ${height}, expected 1 to 15`)
  if (windowSamples < 1 || windowSamples > 65535) throw new RangeError(`window of ${windowSamples} samples, expected 1 to 65535`)
  const innerNodes = 2 ** height - 1
  const forest: Forest = {
    ...options,
    leavesPerTree: 2 ** height,
    cutFeature: new Uint8Array(trees * innerNodes),
    cutAt: new Float64Array(trees * innerNodes),
  }
  const random = createRandom(seed)
  for (let tree = 0; tree < trees; tree++) {
    cutBox(forest, tree * innerNodes, 0, { low: Array(features).fill(0), high: Array(features).fill(1) }, random)
  }
  return forest
}

/** Empty counts for `capacity` series, or a larger copy of `from`. */
export function createMasses(forest: Forest, capacity: number, from?: Masses): Masses {
  const leaves = forest.trees * forest.leavesPerTree
  const masses = {
    forest,
    counts: new Uint16Array(capacity * leaves),
    leafScores: new Uint32Array(capacity * leaves),
    inWindow: new Uint16Array(capacity),
    warm: new Uint8Array(capacity),
  }
  if (from) {
    masses.counts.set(from.counts)
    masses.leafScores.set(from.leafScores)
    masses.inWindow.set(from.inWindow)
    masses.warm.set(from.warm)
  }
  return masses
}

/** Writes the leaf of `point` in each tree to `leaves` (length: trees). Changes nothing else. */
export function locate(forest: Forest, point: Float64Array, leaves: Uint16Array): void {
  const { trees, cutFeature, cutAt } = forest
  const innerNodes = forest.leavesPerTree - 1
  for (let tree = 0, root = 0; tree < trees; tree++, root += innerNodes) {
    let node = 0
    while (node < innerNodes) node = 2 * node + (point[cutFeature[root + node]!]! < cutAt[root + node]! ? 1 : 2)
    leaves[tree] = node - innerNodes
  }
}

/** Score of a sample in these leaves: 0 (crowded, or not warm yet) to 1 (empty). Changes nothing. */
export function score(masses: Masses, slot: number, leaves: Uint16Array): number {
  if (masses.warm[slot] === 0) return 0
  const { trees, leavesPerTree, windowSamples } = masses.forest
  const { leafScores } = masses
  let mass = 0
  for (let tree = 0, base = slot * trees * leavesPerTree; tree < trees; tree++, base += leavesPerTree) {
    mass += leafScores[base + leaves[tree]!]!
  }
  return 1 - mass / (trees * windowSamples * (2 * leavesPerTree - 1))
}

/** Counts a sample in these leaves; the last of a window turns its counts into the reference. */
export function learn(masses: Masses, slot: number, leaves: Uint16Array): void {
  const { trees, leavesPerTree, windowSamples } = masses.forest
  const { counts, inWindow } = masses
  for (let tree = 0, base = slot * trees * leavesPerTree; tree < trees; tree++, base += leavesPerTree) {
    counts[base + leaves[tree]!]!++
  }
  if (++inWindow[slot]! === windowSamples) endWindow(masses, slot)
}

/** Share of the first window that is done, 0 to 1. */
export function warmth(masses: Masses, slot: number): number {
  return masses.warm[slot] === 1 ? 1 : masses.inWindow[slot]! / masses.forest.windowSamples
}

/** The memory of a slot, part by part, as it is: read for a snapshot, written to restore one. */
export function* massViews({ forest, counts, leafScores, inWindow, warm }: Masses, slot: number): Generator<Uint8Array> {
  const leaves = forest.trees * forest.leavesPerTree
  yield memoryOf(warm.subarray(slot, slot + 1))
  yield memoryOf(inWindow.subarray(slot, slot + 1))
  yield memoryOf(counts.subarray(slot * leaves, (slot + 1) * leaves))
  yield memoryOf(leafScores.subarray(slot * leaves, (slot + 1) * leaves))
}

/** A cut keeps this share of a box's width away from its edges, so that no box becomes a sliver. */
const padding = 0.15
/** A path ends at the first node with less than this share of the window: what is below is too thin to tell apart. */
const sizeLimitShare = 0.1

interface Box {
  readonly low: number[]
  readonly high: number[]
}

function cutBox(forest: Forest, root: number, node: number, box: Box, random: () => number): void {
  if (node >= forest.leavesPerTree - 1) return
  const feature = widthWeightedFeature(box, random())
  const low = box.low[feature]!
  const width = box.high[feature]! - low
  const at = low + width * (padding + (1 - 2 * padding) * random())
  forest.cutFeature[root + node] = feature
  forest.cutAt[root + node] = at
  cutBox(forest, root, 2 * node + 1, { low: box.low, high: box.high.with(feature, at) }, random)
  cutBox(forest, root, 2 * node + 2, { low: box.low.with(feature, at), high: box.high }, random)
}

function widthWeightedFeature({ low, high }: Box, uniform: number): number {
  const widths = low.map((edge, i) => high[i]! - edge)
  let rest = uniform * widths.reduce((sum, width) => sum + width, 0)
  const chosen = widths.findIndex((width) => {
    rest -= width
    return rest < 0
  })
  return chosen === -1 ? widths.length - 1 : chosen
}

/** Mass and score of the nodes of one tree while a window ends; heap order, leaves last. Shared: the end of a window is synchronous. */
let nodeMass = new Uint32Array(0)
let pathScore = new Uint32Array(0)

function endWindow(masses: Masses, slot: number): void {
  const { forest, counts, leafScores } = masses
  const { trees, leavesPerTree } = forest
  if (nodeMass.length < 2 * leavesPerTree) {
    nodeMass = new Uint32Array(2 * leavesPerTree)
    pathScore = new Uint32Array(2 * leavesPerTree)
  }
  for (let tree = 0, base = slot * trees * leavesPerTree; tree < trees; tree++, base += leavesPerTree) {
    sumMasses(counts, base, leavesPerTree)
    scorePaths(leafScores, base, leavesPerTree, sizeLimitShare * forest.windowSamples)
  }
  counts.fill(0, slot * trees * leavesPerTree, (slot + 1) * trees * leavesPerTree)
  masses.inWindow[slot] = 0
  masses.warm[slot] = 1
}

function sumMasses(counts: Uint16Array, base: number, leaves: number): void {
  for (let leaf = 0; leaf < leaves; leaf++) nodeMass[leaves - 1 + leaf] = counts[base + leaf]!
  for (let node = leaves - 2; node >= 0; node--) nodeMass[node] = nodeMass[2 * node + 1]! + nodeMass[2 * node + 2]!
}

function scorePaths(leafScores: Uint32Array, base: number, leaves: number, sizeLimit: number): void {
  pathScore[0] = nodeMass[0]!
  for (let node = 1, weight = 2, levelEnd = 2; node < 2 * leaves - 1; node++) {
    if (node > levelEnd) {
      weight *= 2
      levelEnd = 2 * levelEnd + 2
    }
    const parent = (node - 1) >> 1
    const ended = nodeMass[parent]! < sizeLimit
    pathScore[node] = pathScore[parent]! + (ended ? 0 : nodeMass[node]! * weight)
  }
  for (let leaf = 0; leaf < leaves; leaf++) leafScores[base + leaf] = pathScore[leaves - 1 + leaf]!
}
