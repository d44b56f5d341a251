/**
 * How isolated a sample is among the last 128 to 256 of its series, by half-space trees over its level and its change: 0 where the
 * trees know the place as well as they usually do, 1 where it is as rare as one sample in a hundred. It says how long an episode lasts.
 */
import { growForest, locate, unitLimits } from './half-space-forest.ts'
import { createMasses, learn, type Masses, score as massScore, massViews, reserveMasses, warmth } from './half-space-trees.ts'
import { field } from './series-row.ts'

/** Of many series, a slot each. */
export class SeriesIsolation {
  readonly #masses: Masses
  readonly #point: Float64Array
  readonly #leaves: Uint16Array

  constructor(seed: number) {
    const forest = growForest({ trees: 10, height: 6, limits: unitLimits(2), seed })
    this.#masses = createMasses(forest, treeWindowSamples)
    this.#point = new Float64Array(forest.limits.length)
    this.#leaves = new Uint16Array(forest.trees)
  }

  /** Makes room for the slots up to and with this one. */
  reserve(slot: number): void {
    reserveMasses(this.#masses, slot)
  }

  /** Turns to a sample: how far it is from what is expected and from the sample before, in usual peaks. */
  locate(off: number, change: number): void {
    this.#point[0] = squash(off)
    this.#point[1] = squash(change)
    locate(this.#masses.forest, this.#point, this.#leaves)
  }

  /** Of the located sample, beside what the row at `at` says is usual. */
  isolation(slot: number, rows: Float64Array, at: number): number {
    const usual = rows[at + field.usualIsolation]!
    const rare = Math.max(rows[at + field.rareIsolation]!, usual + leastIsolationGap)
    const here = massScore(this.#masses, slot, this.#leaves)
    return Math.min(1, Math.max(0, (here - usual) / (rare - usual)))
  }

  /** Learns the located sample. */
  learn(slot: number, rows: Float64Array, at: number): void {
    if (warmth(this.#masses, slot) === 1) {
      const here = massScore(this.#masses, slot, this.#leaves)
      // The mean of all that it has seen at first, or everything would seem isolated until it has come up from zero.
      const weight = Math.max(usualIsolationWeight, 1 / (rows[at + field.samples]! - treeWindowSamples + 1))
      rows[at + field.usualIsolation]! += weight * (here - rows[at + field.usualIsolation]!)
      const rare = rows[at + field.rareIsolation]!
      rows[at + field.rareIsolation] = rare + rareIsolationStep * ((here > rare ? 1 : 0) - rareShare)
    }
    learn(this.#masses, slot, this.#leaves)
  }

  /** The memory of a slot, part by part, as it is. */
  views(slot: number): Iterable<Uint8Array> {
    return massViews(this.#masses, slot)
  }
}

/** Small on purpose: a recent reference, and little memory. */
const treeWindowSamples = 128
const leastIsolationGap = 0.02
const usualIsolationWeight = 0.01
const rareIsolationStep = 0.01
const rareShare = 0.01

/** The real line onto (0, 1): half the interval for what is up to the usual peak to each side. */
function squash(peaks: number): number {
  return 0.5 + (0.5 * peaks) / (Math.abs(peaks) + 1)
}
