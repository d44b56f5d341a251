/**
 * The cuts of half-space trees: random axis-parallel cuts of a box, the same for all series that have the seed in common.
 *
 * Draws the same random numbers in the same order as River's `make_padded_tree` (its `seed` and `limits`, features in sorted
 * order), so the forest is River's own. Leaves are numbered from the lowest side of the first cut on.
 *
 * Finding the leaf of a sample is most of the work of the model. Trees are walked five at a time, because the steps of different
 * trees do not wait for each other, and the comparison is arithmetic, because no processor could predict it: together three times
 * as fast as one tree after the other. With one feature a forest is a row of intervals, and one look-up finds all leaves.
 */
import { createPythonRandom } from './python-random.ts'

export interface ForestOptions {
  readonly trees: number
  /** Cuts from root to leaf, 1 to 15. */
  readonly height: number
  /** Lowest and highest usual value of each feature; a sample beyond falls into the outermost boxes. */
  readonly limits: readonly (readonly [number, number])[]
  /** A whole number. */
  readonly seed: number
}

export interface Forest extends ForestOptions {
  readonly leavesPerTree: number
  /** Inner nodes of each tree in heap order: the children of node i are 2i + 1 (below the cut) and 2i + 2. */
  readonly cutFeature: Uint8Array
  readonly cutAt: Float64Array
  /** The forest as one row of intervals; only with one feature, and while it is small. */
  readonly intervals?: Intervals
}

interface Intervals {
  /** All cuts, ascending. */
  readonly edges: Float64Array
  /** Number of edges below each of the equal cells that the limits are divided into, and of all at the end. */
  readonly edgesBelowCell: Uint16Array
  readonly low: number
  readonly cellsPerUnit: number
  /** The leaf in each tree, for each interval: one more than there are edges. */
  readonly leaves: Uint8Array
}

/** Limits of features that are scaled already. */
export function unitLimits(features: number): (readonly [number, number])[] {
  return Array.from({ length: features }, () => [0, 1] as const)
}

/** Throws a RangeError when an option is out of range. */
export function growForest(options: ForestOptions): Forest {
  checkOptions(options)
  const { trees, height, limits, seed } = options
  const innerNodes = 2 ** height - 1
  const forest: Forest = {
    ...options,
    leavesPerTree: 2 ** height,
    cutFeature: new Uint8Array(trees * innerNodes),
    cutAt: new Float64Array(trees * innerNodes),
  }
  const random = createPythonRandom(seed)
  const box = { low: limits.map(([low]) => low), high: limits.map(([, high]) => high) }
  for (let tree = 0; tree < trees; tree++) cutBox(forest, tree * innerNodes, 0, box, random)
  const intervalBytes = trees * (trees * innerNodes + 1)
  if (limits.length > 1 || height > 8 || intervalBytes > mostIntervalBytes) return forest
  return { ...forest, intervals: intervalsOf(forest) }
}

/** Writes the leaf of `point` in each tree to `leaves` (length: trees). A NaN lies above every cut, as in River. */
export function locate(forest: Forest, point: Float64Array, leaves: Uint16Array): void {
  if (forest.intervals) findInterval(forest.intervals, point[0]!, leaves)
  else walkTrees(forest, point, leaves)
}

function checkOptions({ trees, height, limits }: ForestOptions): void {
  if (!Number.isInteger(trees) || trees < 1) throw new RangeError(`${trees} trees, expected 1 or more`)
  if (!Number.isInteger(height) || height < 1 || height > 15) throw new RangeError(`height ${height}, expected 1 to 15`)
  if (limits.length < 1 || limits.length > 256) throw new RangeError(`${limits.length} features, expected 1 to 256`)
  limits.forEach(([low, high], feature) => {
    if (!Number.isFinite(high - low) || low >= high) throw new RangeError(`limits ${low} to ${high} of feature ${feature}`)
  })
}

/** A cut keeps this share of a box's width away from its edges, so that no box becomes a sliver. */
const padding = 0.15
/** Above, the table of intervals falls out of the caches and walking is faster. */
const mostIntervalBytes = 1e6

interface Box {
  readonly low: number[]
  readonly high: number[]
}

function cutBox(forest: Forest, root: number, node: number, box: Box, random: () => number): void {
  if (node >= forest.leavesPerTree - 1) return
  const feature = widthWeightedFeature(box, random)
  const low = box.low[feature]!
  const high = box.high[feature]!
  const margin = padding * (high - low)
  const at = low + margin + (high - margin - (low + margin)) * random()
  forest.cutFeature[root + node] = feature
  forest.cutAt[root + node] = at
  cutBox(forest, root, 2 * node + 1, { low: box.low, high: box.high.with(feature, at) }, random)
  cutBox(forest, root, 2 * node + 2, { low: box.low.with(feature, at), high: box.high }, random)
}

/** The sums are those of Python's `random.choices`, in its order, so that the same number chooses the same feature. */
function widthWeightedFeature({ low, high }: Box, random: () => number): number {
  let total = 0
  const sums = low.map((edge, feature) => {
    total += high[feature]! - edge
    return total
  })
  const chosen = random() * total
  const feature = sums.findIndex((sum) => chosen < sum)
  return feature === -1 ? sums.length - 1 : feature
}

function walkTrees(forest: Forest, point: Float64Array, leaves: Uint16Array): void {
  const { trees } = forest
  let tree = 0
  for (; tree + treesAtATime <= trees; tree += treesAtATime) walkFive(forest, point, leaves, tree)
  for (; tree < trees; tree++) walkOne(forest, point, leaves, tree)
}

const treesAtATime = 5

function walkFive({ leavesPerTree, cutFeature, cutAt }: Forest, point: Float64Array, leaves: Uint16Array, tree: number): void {
  const innerNodes = leavesPerTree - 1
  const root0 = tree * innerNodes
  const root1 = root0 + innerNodes
  const root2 = root1 + innerNodes
  const root3 = root2 + innerNodes
  const root4 = root3 + innerNodes
  let [node0, node1, node2, node3, node4] = [0, 0, 0, 0, 0]
  while (node0 < innerNodes) {
    node0 = 2 * node0 + 2 - Number(point[cutFeature[root0 + node0]!]! < cutAt[root0 + node0]!)
    node1 = 2 * node1 + 2 - Number(point[cutFeature[root1 + node1]!]! < cutAt[root1 + node1]!)
    node2 = 2 * node2 + 2 - Number(point[cutFeature[root2 + node2]!]! < cutAt[root2 + node2]!)
    node3 = 2 * node3 + 2 - Number(point[cutFeature[root3 + node3]!]! < cutAt[root3 + node3]!)
    node4 = 2 * node4 + 2 - Number(point[cutFeature[root4 + node4]!]! < cutAt[root4 + node4]!)
  }
  leaves[tree] = node0 - innerNodes
  leaves[tree + 1] = node1 - innerNodes
  leaves[tree + 2] = node2 - innerNodes
  leaves[tree + 3] = node3 - innerNodes
  leaves[tree + 4] = node4 - innerNodes
}

function walkOne({ leavesPerTree, cutFeature, cutAt }: Forest, point: Float64Array, leaves: Uint16Array, tree: number): void {
  const innerNodes = leavesPerTree - 1
  const root = tree * innerNodes
  let node = 0
  while (node < innerNodes) node = 2 * node + 2 - Number(point[cutFeature[root + node]!]! < cutAt[root + node]!)
  leaves[tree] = node - innerNodes
}

function intervalsOf(forest: Forest): Intervals {
  const edges = forest.cutAt.toSorted()
  const { trees, limits } = forest
  const [low, high] = limits[0]!
  const table = new Uint8Array((edges.length + 1) * trees)
  const leaves = new Uint16Array(trees)
  for (let interval = 0; interval <= edges.length; interval++) {
    walkTrees(forest, Float64Array.of(interval === 0 ? Number.NEGATIVE_INFINITY : edges[interval - 1]!), leaves)
    table.set(leaves, interval * trees)
  }
  const cellsPerUnit = cells / (high - low)
  const edgesBelowCell = new Uint16Array(cells + 1)
  for (const edge of edges) edgesBelowCell[cellOf(edge, low, cellsPerUnit) + 1]!++
  for (let cell = 0; cell < cells; cell++) edgesBelowCell[cell + 1]! += edgesBelowCell[cell]!
  return { edges, edgesBelowCell, low, cellsPerUnit, leaves: table }
}

/** About as many as a large forest has edges, so that a cell holds one or two. */
const cells = 4096

/** Never falls as the value rises, so an edge in a lower cell is below the value, however both are rounded. */
function cellOf(value: number, low: number, cellsPerUnit: number): number {
  return Math.min(cells - 1, Math.max(0, (value - low) * cellsPerUnit)) | 0
}

function findInterval(intervals: Intervals, value: number, leaves: Uint16Array): void {
  const { edges, edgesBelowCell, low, cellsPerUnit, leaves: table } = intervals
  const cell = cellOf(value, low, cellsPerUnit)
  let interval = edgesBelowCell[cell]!
  let count = edgesBelowCell[cell + 1]! - interval
  while (count > 0) {
    const half = (count + 1) >> 1
    const isAbove = 1 - Number(value < edges[interval + half - 1]!)
    interval += half * isAbove
    count = isAbove === 1 ? count - half : half - 1
  }
  if (Number.isNaN(value)) interval = edges.length
  const trees = leaves.length
  for (let tree = 0, at = interval * trees; tree < trees; tree++, at++) leaves[tree] = table[at]!
}
