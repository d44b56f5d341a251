/**
 * Principal components of windows: the linear autoencoder, and the baseline that a network has to beat.
 *
 * Fitted without ever holding the windows: neighbouring windows share all rows but one, so the covariance of a window follows
 * from products of rows at most a window apart. Sums in float64, in a fixed order: the same rows give the same bytes everywhere.
 * Blind to what moves along the directions in which training moved most, however far it goes.
 *
 * Source: Shyu et al., "A Novel Anomaly Detection Scheme Based on Principal Component Classifier", 2003 (the residual part).
 */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import type { ScaledRows } from './channel-scale.ts'
import { addInputGradient, addProduct } from './matrix-products.ts'
import type { Reconstructor } from './reconstruction.ts'

export interface PrincipalComponents {
  readonly mean: Float32Array
  /** Orthonormal directions of most variance, one behind the other, each as long as `mean`. */
  readonly directions: Float32Array
}

/** Throws RangeError when there are fewer rows than a window has. */
export function fitPrincipalComponents(rows: ScaledRows, windowRows: number, varianceShare: number): PrincipalComponents {
  if (rows.count < windowRows) throw new RangeError(`${rows.count} rows are less than a window of ${windowRows}`)
  const { mean, covariance } = windowMoments(rows, windowRows)
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(covariance, { assumeSymmetric: true })
  const width = mean.length
  const total = realEigenvalues.reduce((sum, value) => sum + Math.max(0, value), 0)
  const kept: Float64Array[] = []
  let explained = 0
  for (let i = width - 1; i >= 0 && explained < varianceShare * total; i--) {
    explained += Math.max(0, realEigenvalues[i]!)
    kept.push(Float64Array.from({ length: width }, (_, row) => eigenvectorMatrix.get(row, i)))
  }
  const directions = new Float32Array(kept.length * width)
  for (const [i, direction] of kept.entries()) directions.set(direction, i * width)
  return { mean: Float32Array.from(mean), directions }
}

export function principalComponentsReconstructor({ mean, directions }: PrincipalComponents): Reconstructor {
  const width = mean.length
  const basis = Float64Array.from(directions)
  const count = directions.length / width
  const centred = new Float64Array(width)
  const along = new Float64Array(count)
  const rebuilt = new Float64Array(width)
  return {
    width,
    reconstruct: (windows, windowCount, out) => {
      for (let offset = 0; offset < windowCount * width; offset += width) {
        for (let i = 0; i < width; i++) centred[i] = windows[offset + i]! - mean[i]!
        along.fill(0)
        addInputGradient(centred, 0, basis, along, 0, 1, count, width)
        rebuilt.set(mean)
        addProduct(along, 0, basis, rebuilt, 0, 1, count, width)
        out.set(rebuilt, offset)
      }
    },
  }
}

/** Mean and covariance over all windows of consecutive rows. */
function windowMoments(rows: ScaledRows, windowRows: number): { mean: Float64Array; covariance: Matrix } {
  const { channels, count } = rows
  const windows = count - windowRows + 1
  const width = windowRows * channels
  const mean = windowMean(rows, windowRows)
  const covariance = Matrix.zeros(width, width)
  for (let lag = 0; lag < windowRows; lag++) {
    const products = laggedProducts(rows, lag, windows)
    for (let first = 0; first + lag < windowRows; first++) {
      if (first > 0) slideByOneRow(products, rows, lag, first, windows)
      writeBlock(covariance, products, first, first + lag, mean, windows)
    }
  }
  return { mean, covariance }
}

function windowMean({ channels, values }: ScaledRows, windowRows: number): Float64Array {
  const windows = values.length / channels - windowRows + 1
  const mean = new Float64Array(windowRows * channels)
  for (let i = 0; i < mean.length; i++) {
    let sum = 0
    for (let window = 0; window < windows; window++) sum += values[window * channels + i]!
    mean[i] = sum / windows
  }
  return mean
}

/** Sum over windows of (first row) x (row `lag` later), channels x channels. */
function laggedProducts({ channels, values }: ScaledRows, lag: number, windows: number): Float64Array {
  const products = new Float64Array(channels * channels)
  for (let row = 0; row < windows; row++) addOuterProduct(products, values, row * channels, (row + lag) * channels, channels, 1)
  return products
}

/** From the sum that starts at row `first - 1` of each window to that which starts at `first`. */
function slideByOneRow(products: Float64Array, rows: ScaledRows, lag: number, first: number, windows: number): void {
  const { channels, values } = rows
  addOuterProduct(products, values, (first - 1) * channels, (first - 1 + lag) * channels, channels, -1)
  const last = first + windows - 1
  addOuterProduct(products, values, last * channels, (last + lag) * channels, channels, 1)
}

function addOuterProduct(
  products: Float64Array,
  values: Float32Array,
  a: number,
  b: number,
  channels: number,
  sign: number,
): void {
  for (let i = 0; i < channels; i++) {
    const left = sign * values[a + i]!
    if (left === 0) continue
    const at = i * channels
    for (let j = 0; j < channels; j++) products[at + j] = products[at + j]! + left * values[b + j]!
  }
}

function writeBlock(
  covariance: Matrix,
  products: Float64Array,
  blockRow: number,
  blockColumn: number,
  mean: Float64Array,
  windows: number,
): void {
  const channels = Math.sqrt(products.length)
  for (let i = 0; i < channels; i++) {
    const row = blockRow * channels + i
    for (let j = 0; j < channels; j++) {
      const column = blockColumn * channels + j
      const value = products[i * channels + j]! / windows - mean[row]! * mean[column]!
      covariance.set(row, column, value)
      covariance.set(column, row, value)
    }
  }
}
