/**
 * The score of the Numenta Anomaly Benchmark for detections that are yes or no, after its published rules (NAB v1.1).
 *
 * The first 15 % of a file, at most 750 rows, only teach. Each labelled window earns up to 1 for its earliest detection (the
 * earlier, the more) and costs the profile's price when nothing in it is detected; every detection outside costs, little just
 * behind a window and the full price far from any. Scores are scaled so that silence is 0 and perfection 100.
 *
 * Source: Lavin, Ahmad, "Evaluating Real-Time Anomaly Detection Algorithms", ICMLA 2015.
 */

/** A file's rows, and what was said of them. */
export interface ScoredFile {
  /** Milliseconds since the epoch, a row each. */
  readonly timestampsMs: readonly number[]
  readonly detected: readonly boolean[]
  /** First and last timestamp of each labelled window, in order. */
  readonly windowsMs: readonly (readonly [first: number, last: number])[]
}

export interface NabResult {
  readonly standard: number
  readonly lowFalsePositives: number
  readonly lowFalseNegatives: number
  readonly windows: number
  readonly windowsFound: number
  readonly falseAlerts: number
  /** Windows found among all that was told. */
  readonly alertPrecision: number
}

export function scoreNab(files: readonly ScoredFile[]): NabResult {
  const outcomes = files.map(scoreFile)
  const sum = (of: (outcome: FileOutcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0)
  const windows = sum((outcome) => outcome.windows)
  const windowsFound = sum((outcome) => outcome.windowsFound)
  const falseAlerts = sum((outcome) => outcome.falseAlerts)
  const gain = sum((outcome) => outcome.gain)
  const harm = sum((outcome) => outcome.harm)
  /** Silence loses `missPrice` a window, perfection earns 1 a window. */
  const profile = (missPrice: number, harmPrice: number) => {
    const raw = gain - missPrice * (windows - windowsFound) - harmPrice * harm
    return (100 * (raw + missPrice * windows)) / ((1 + missPrice) * windows)
  }
  return {
    standard: profile(1, 0.11),
    lowFalsePositives: profile(1, 0.22),
    lowFalseNegatives: profile(2, 0.11),
    windows,
    windowsFound,
    falseAlerts,
    alertPrecision: windowsFound / Math.max(1, windowsFound + falseAlerts),
  }
}

export interface FileOutcome {
  readonly windows: number
  readonly windowsFound: number
  /** Sum over found windows, each at most 1. */
  readonly gain: number
  /** Sum over detections outside of windows, each at most 1. */
  readonly harm: number
  /** Runs of detections outside of windows; those a few rows apart are one. */
  readonly falseAlerts: number
}

export function scoreFile({ timestampsMs, detected, windowsMs }: ScoredFile): FileOutcome {
  const bounds = windowsMs.map(([first, last]) => [timestampsMs.indexOf(first), timestampsMs.indexOf(last)] as const)
  if (bounds.some(([first, last]) => first < 0 || last < 0)) throw new RangeError('the limit of a window is not in the data')
  const gains = bounds.map(() => 0)
  let harm = 0
  let falseAlerts = 0
  let lastFalseRow = Number.NEGATIVE_INFINITY
  for (let row = probationRows(detected.length); row < detected.length; row++) {
    if (!detected[row]) continue
    const window = bounds.findIndex(([first, last]) => row >= first && row <= last)
    if (window >= 0) {
      const [first, last] = bounds[window]!
      gains[window] = Math.max(gains[window]!, sigmoid(-(last - row + 1) / (last - first + 1)) / sigmoid(-1))
    } else {
      harm += harmAt(row, bounds)
      if (row - lastFalseRow > sameAlertRows) falseAlerts++
      lastFalseRow = row
    }
  }
  return {
    windows: bounds.length,
    windowsFound: gains.filter((gain) => gain > 0).length,
    gain: gains.reduce((sum, gain) => sum + gain, 0),
    harm,
    falseAlerts,
  }
}

/** Detections outside of windows that are at most this many rows apart are one alert. */
const sameAlertRows = 12

function probationRows(rows: number): number {
  return Math.ceil(Math.min(Math.floor(0.15 * rows), 0.15 * 5000))
}

/** 0 just behind a window, 1 far behind it or before the first. */
function harmAt(row: number, bounds: readonly (readonly [first: number, last: number])[]): number {
  const before = bounds.findLast(([, last]) => last < row)
  if (!before) return 1
  const widths = (row - before[1]) / (before[1] - before[0])
  return widths > 3 ? 1 : -sigmoid(widths)
}

/** 1 far to the left, 0 at 0, -1 far to the right. */
function sigmoid(y: number): number {
  return 2 / (1 + Math.exp(5 * y)) - 1
}
