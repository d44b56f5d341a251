/**
 * Half-space trees: streaming isolation in a fixed set of random boxes, without labels and without retraining.
 *
 * The samples of one window are counted per box of a forest; the counts of the window before are the reference, renewed every
 * `windowSamples` samples. A sample in sparse boxes scores near 1, one in crowded boxes near 0. Only the leaf has to be found for
 * either, because everything else along the path is known from it: inner counts are sums of the leaves below and change only
 * when a window ends, so at that moment the score of each leaf is worked out once and kept.
 *
 * The forest is shared by all series (`half-space-forest.ts`); a series owns two numbers a leaf, as narrow as the window allows,
 * in pages of 64 series. Scores are 0 until the first window is full, and equal to those of River's `HalfSpaceTrees` throughout.
 *
 * Fails when features leave their limits for long (the outermost boxes tell nothing apart), and when anomalies come in crowds as
 * large as a window: then they are the reference.
 *
 * Source: Tan, Ting, Liu, "Fast Anomaly Detection for Streaming Data", IJCAI 2011; padding, size limit and missing features as in
 * River.
 */
import { type Forest, locate } from './half-space-forest.ts'
import { memoryOf } from './memory.ts'

/** The counts of many series, a slot each. */
export interface Masses {
  readonly forest: Forest
  /** Samples of a window, 1 to 65,535. */
  readonly windowSamples: number
  /** Slots 0 to 63 in the first, and so on; they grow with `reserveMasses`. */
  readonly pages: MassPage[]
}

/** Slot after slot, within a slot tree after tree, within a tree leaf after leaf from the lowest side of the first cut on. */
interface MassPage {
  /** Samples of the current window per leaf; a byte each in windows of at most 255 samples. */
  readonly counts: Uint8Array | Uint16Array
  /** Of the window before: the sum of 2^(depth - 1) × mass over the boxes around the leaf, without the root, 0 before the first. */
  readonly leafScores: Uint16Array | Uint32Array
  /** Per slot, samples of the current window. */
  readonly inWindow: Uint16Array
  /** Per slot, 1 once a window has been completed. */
  readonly warm: Uint8Array
}

/** Throws a RangeError when the window is out of range. */
export function createMasses(forest: Forest, windowSamples: number): Masses {
  if (!Number.isInteger(windowSamples) || windowSamples < 1 || windowSamples > 65535) {
    throw new RangeError(`window of ${windowSamples} samples, expected 1 to 65535`)
  }
  return { forest, windowSamples, pages: [] }
}

/** Makes room for the slots up to and with this one; what is there stays where it is. */
export function reserveMasses(masses: Masses, slot: number): void {
  const { forest, windowSamples, pages } = masses
  const leaves = pageSlots * forest.trees * forest.leavesPerTree
  while (pages.length * pageSlots <= slot) {
    pages.push({
      counts: windowSamples <= 255 ? new Uint8Array(leaves) : new Uint16Array(leaves),
      leafScores: windowSamples * (forest.leavesPerTree - 1) <= 65535 ? new Uint16Array(leaves) : new Uint32Array(leaves),
      inWindow: new Uint16Array(pageSlots),
      warm: new Uint8Array(pageSlots),
    })
  }
}

/** Score of a sample in these leaves (of `locate`): 0 (crowded, or not warm yet) to 1 (empty). Changes nothing. */
export function score(masses: Masses, slot: number, leaves: Uint16Array): number {
  const { leafScores, warm } = masses.pages[slot >> pageBits]!
  if (warm[slot & slotMask] === 0) return 0
  const { trees, leavesPerTree } = masses.forest
  let mass = 0
  for (let tree = 0, base = (slot & slotMask) * trees * leavesPerTree; tree < trees; tree++, base += leavesPerTree) {
    mass += leafScores[base + leaves[tree]!]!
  }
  const full = trees * masses.windowSamples
  return 1 - (full + 2 * mass) / (full * (2 * leavesPerTree - 1))
}

/** Counts a sample in these leaves (of `locate`); the last of a window turns its counts into the reference. */
export function learn(masses: Masses, slot: number, leaves: Uint16Array): void {
  const page = masses.pages[slot >> pageBits]!
  const { trees, leavesPerTree } = masses.forest
  const { counts } = page
  for (let tree = 0, base = (slot & slotMask) * trees * leavesPerTree; tree < trees; tree++, base += leavesPerTree) {
    counts[base + leaves[tree]!]!++
  }
  if (++page.inWindow[slot & slotMask]! === masses.windowSamples) endWindow(masses, page, slot & slotMask)
}

/** Share of the first window that is done, 0 to 1; below 1 scores are 0. */
export function warmth(masses: Masses, slot: number): number {
  const { warm, inWindow } = masses.pages[slot >> pageBits]!
  return warm[slot & slotMask] === 1 ? 1 : inWindow[slot & slotMask]! / masses.windowSamples
}

/**
 * `locate` for points in which NaN says that a feature is missing: at a cut of that feature, the side with more samples of the
 * current window is taken, the lower one when both have as many. Slow where something is missing: counts are summed on the way.
 */
export function locateIncomplete(masses: Masses, slot: number, point: Float64Array, leaves: Uint16Array): void {
  const { forest } = masses
  const { trees, leavesPerTree, cutFeature, cutAt } = forest
  if (!point.some(Number.isNaN)) {
    locate(forest, point, leaves)
    return
  }
  const { counts } = masses.pages[slot >> pageBits]!
  const first = (slot & slotMask) * trees * leavesPerTree
  for (let tree = 0; tree < trees; tree++) {
    const root = tree * (leavesPerTree - 1)
    const base = first + tree * leavesPerTree
    let from = 0
    for (let node = 0, half = leavesPerTree / 2; half >= 1; half /= 2) {
      const value = point[cutFeature[root + node]!]!
      const isBelow = Number.isNaN(value)
        ? massOf(counts, base + from, half) >= massOf(counts, base + from + half, half)
        : value < cutAt[root + node]!
      node = 2 * node + (isBelow ? 1 : 2)
      if (!isBelow) from += half
    }
    leaves[tree] = from
  }
}

/** The memory of a slot, part by part, as it is: read for a snapshot, written to restore one. */
export function* massViews(masses: Masses, slot: number): Generator<Uint8Array> {
  const { counts, leafScores, inWindow, warm } = masses.pages[slot >> pageBits]!
  const leaves = masses.forest.trees * masses.forest.leavesPerTree
  const at = slot & slotMask
  yield memoryOf(warm.subarray(at, at + 1))
  yield memoryOf(inWindow.subarray(at, at + 1))
  yield memoryOf(counts.subarray(at * leaves, (at + 1) * leaves))
  yield memoryOf(leafScores.subarray(at * leaves, (at + 1) * leaves))
}

const pageBits = 6
const pageSlots = 2 ** pageBits
const slotMask = pageSlots - 1

/** A path ends at the first node with less than this share of the window: what is below is too thin to tell apart. */
const sizeLimitShare = 0.1

function massOf(counts: MassPage['counts'], from: number, leaves: number): number {
  let mass = 0
  for (let leaf = from; leaf < from + leaves; leaf++) mass += counts[leaf]!
  return mass
}

/** Samples in the leaves before each leaf of one tree, while a window ends. Shared: the end of a window is synchronous. */
let massBefore = new Uint32Array(0)

function endWindow({ forest, windowSamples }: Masses, page: MassPage, slot: number): void {
  const { trees, leavesPerTree } = forest
  const sizeLimit = sizeLimitShare * windowSamples
  if (massBefore.length <= leavesPerTree) massBefore = new Uint32Array(leavesPerTree + 1)
  for (let tree = 0, base = slot * trees * leavesPerTree; tree < trees; tree++, base += leavesPerTree) {
    takeCounts(page.counts, base, leavesPerTree)
    scoreBoxes(page.leafScores, base, sizeLimit, 0, leavesPerTree, 1, 0)
  }
  page.inWindow[slot] = 0
  page.warm[slot] = 1
}

/** Sums up the counts of a tree in `massBefore`, and clears them. */
function takeCounts(counts: MassPage['counts'], base: number, leaves: number): void {
  let mass = 0
  for (let leaf = 0; leaf < leaves; leaf++) {
    massBefore[leaf] = mass
    mass += counts[base + leaf]!
    counts[base + leaf] = 0
  }
  massBefore[leaves] = mass
}

/** Scores the leaves below a box whose path has come to `above`; `weight` is that of its two halves. Only crowded boxes are cut on. */
function scoreBoxes(
  leafScores: MassPage['leafScores'],
  base: number,
  sizeLimit: number,
  from: number,
  leaves: number,
  weight: number,
  above: number,
): void {
  const half = leaves / 2
  for (let start = from; start < from + leaves; start += half) {
    const mass = massBefore[start + half]! - massBefore[start]!
    const path = above + weight * mass
    if (half > 1 && mass >= sizeLimit) scoreBoxes(leafScores, base, sizeLimit, start, half, 2 * weight, path)
    else for (let leaf = start; leaf < start + half; leaf++) leafScores[base + leaf] = path
  }
}
