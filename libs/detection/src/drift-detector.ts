/**
 * A drift detector by name, watching the scores of one series.
 *
 * ADWIN and Page-Hinkley watch the scores themselves. DDM and EDDM watch outcomes: a score above 1, an anomalous sample, counts as
 * an error of the model. How each is blind stands in its file; ADWIN is the one that suits most series.
 */
import { Adwin } from './adwin.ts'
import { createDdmState, ddmField, driftDeviations, observeDdm } from './ddm.ts'
import type { DriftLevel } from './drift-level.ts'
import { createEddmState, driftShare, eddmField, observeEddm } from './eddm.ts'
import { createPageHinkleyState, observePageHinkley, pageHinkleyChange, pageHinkleyThreshold } from './page-hinkley.ts'

export const driftDetectorNames = ['adwin', 'ddm', 'eddm', 'page-hinkley'] as const
export type DriftDetectorName = (typeof driftDetectorNames)[number]

export interface DriftDetectorOptions {
  readonly detector: DriftDetectorName
  /** Of ADWIN: bound of the false-alarm probability, 0 to 1. */
  readonly delta: number
}

export interface DriftChange {
  /** In words: what `before` and `after` are numbers of. */
  readonly watched: string
  readonly before: number
  readonly after: number
  /** What the detector's statistic was compared with. */
  readonly threshold: number
}

export interface DriftDetector {
  /** Takes a finite score in. */
  update(score: number): DriftLevel
  /** Of the last update that said drift. */
  change(): DriftChange
  /** Everything it knows, as numbers. */
  snapshot(): Float64Array
}

/** A new detector, or one that continues bit for bit from a snapshot. Throws a RangeError when the numbers are not those of one. */
export function createDriftDetector(options: DriftDetectorOptions, snapshot?: Float64Array): DriftDetector {
  switch (options.detector) {
    case 'adwin':
      return watchWithAdwin(options.delta, snapshot)
    case 'ddm':
      return watchOutcomes(continued(createDdmState(), snapshot), observeDdm, (state) => ({
        watched: 'share of anomalous samples',
        before: state[ddmField.lowestRate]!,
        after: state[ddmField.rate]!,
        threshold: driftDeviations,
      }))
    case 'eddm':
      return watchOutcomes(continued(createEddmState(), snapshot), observeEddm, (state) => ({
        watched: 'samples from one anomalous one to the next',
        before: state[eddmField.meanAtLargest]!,
        after: state[eddmField.meanDistance]!,
        threshold: driftShare,
      }))
    case 'page-hinkley':
      return watchWithPageHinkley(continued(createPageHinkleyState(), snapshot))
  }
}

function watchWithAdwin(delta: number, snapshot: Float64Array | undefined): DriftDetector {
  const adwin = snapshot ? Adwin.restore({ delta }, snapshot) : new Adwin({ delta })
  let dropped = 0
  return {
    update: (score) => {
      const width = adwin.width + 1
      const total = adwin.width * adwin.mean + score
      if (!adwin.update(score)) return 'stable'
      dropped = (total - adwin.width * adwin.mean) / (width - adwin.width)
      return 'drift'
    },
    change: () => ({ watched: 'mean score', before: dropped, after: adwin.mean, threshold: delta }),
    snapshot: () => adwin.snapshot(),
  }
}

function watchOutcomes(
  state: Float64Array,
  observe: (state: Float64Array, isError: boolean) => DriftLevel,
  change: (state: Float64Array) => DriftChange,
): DriftDetector {
  return {
    update: (score) => observe(state, score > 1),
    change: () => change(state),
    snapshot: () => state.slice(),
  }
}

function watchWithPageHinkley(state: Float64Array): DriftDetector {
  return {
    update: (score) => observePageHinkley(state, score),
    change: () => ({ watched: 'mean score', ...pageHinkleyChange(state), threshold: pageHinkleyThreshold }),
    snapshot: () => state.slice(),
  }
}

function continued(empty: Float64Array, snapshot: Float64Array | undefined): Float64Array {
  if (!snapshot) return empty
  if (snapshot.length !== empty.length)
    throw new RangeError(`${snapshot.length} numbers are no snapshot, expected ${empty.length}`)
  return snapshot.slice()
}
