/**
 * The three products that a dense step and its gradient are made of, on row-major float64 arrays.
 *
 * Each works on two rows by four at a time: what is read serves eight products and a sum is read and written once for four of them. That makes
 * plain JavaScript several times as fast as one at a time, and sums come about in the same order whatever the number of rows.
 * `inputs` of a call is the number of columns of the left matrix, `outputs` that of the right one.
 */

/** `out` (count x outputs) += `a` (count x inputs, from `aFrom` on) x `weights` (inputs x outputs). */
export function addProduct(
  a: Float64Array,
  aFrom: number,
  weights: Float64Array,
  out: Float64Array,
  outFrom: number,
  count: number,
  inputs: number,
  outputs: number,
): void {
  let row = 0
  for (; row + 1 < count; row += 2) {
    addTwoRows(a, aFrom + row * inputs, weights, out, outFrom + row * outputs, inputs, outputs)
  }
  if (row < count) addRow(a, aFrom + row * inputs, weights, out, outFrom + row * outputs, 0, inputs, outputs)
}

function addTwoRows(
  a: Float64Array,
  from: number,
  weights: Float64Array,
  out: Float64Array,
  to: number,
  inputs: number,
  outputs: number,
): void {
  const next = from + inputs
  const below = to + outputs
  let i = 0
  for (; i + 3 < inputs; i += 4) {
    const a0 = a[from + i]!
    const a1 = a[from + i + 1]!
    const a2 = a[from + i + 2]!
    const a3 = a[from + i + 3]!
    const b0 = a[next + i]!
    const b1 = a[next + i + 1]!
    const b2 = a[next + i + 2]!
    const b3 = a[next + i + 3]!
    const w0 = i * outputs
    const w1 = w0 + outputs
    const w2 = w1 + outputs
    const w3 = w2 + outputs
    for (let j = 0; j < outputs; j++) {
      const v0 = weights[w0 + j]!
      const v1 = weights[w1 + j]!
      const v2 = weights[w2 + j]!
      const v3 = weights[w3 + j]!
      out[to + j] = out[to + j]! + a0 * v0 + a1 * v1 + a2 * v2 + a3 * v3
      out[below + j] = out[below + j]! + b0 * v0 + b1 * v1 + b2 * v2 + b3 * v3
    }
  }
  addRow(a, from, weights, out, to, i, inputs, outputs)
  addRow(a, next, weights, out, below, i, inputs, outputs)
}

/** Of one row, its columns from `first` on. */
function addRow(
  a: Float64Array,
  from: number,
  weights: Float64Array,
  out: Float64Array,
  to: number,
  first: number,
  inputs: number,
  outputs: number,
): void {
  let i = first
  for (; i + 3 < inputs; i += 4) {
    const a0 = a[from + i]!
    const a1 = a[from + i + 1]!
    const a2 = a[from + i + 2]!
    const a3 = a[from + i + 3]!
    const w0 = i * outputs
    const w1 = w0 + outputs
    const w2 = w1 + outputs
    const w3 = w2 + outputs
    for (let j = 0; j < outputs; j++) {
      out[to + j] = out[to + j]! + a0 * weights[w0 + j]! + a1 * weights[w1 + j]! + a2 * weights[w2 + j]! + a3 * weights[w3 + j]!
    }
  }
  for (; i < inputs; i++) {
    const a0 = a[from + i]!
    for (let j = 0; j < outputs; j++) out[to + j] = out[to + j]! + a0 * weights[i * outputs + j]!
  }
}

/** `gradient` (inputs x outputs) += transposed `a` (count x inputs) x `errors` (count x outputs). */
export function addWeightGradient(
  a: Float64Array,
  aFrom: number,
  errors: Float64Array,
  errorsFrom: number,
  gradient: Float64Array,
  count: number,
  inputs: number,
  outputs: number,
): void {
  let row = 0
  for (; row + 3 < count; row += 4) {
    addFourOuterProducts(a, aFrom + row * inputs, errors, errorsFrom + row * outputs, gradient, inputs, outputs)
  }
  for (; row < count; row++) {
    for (let i = 0; i < inputs; i++) {
      const a0 = a[aFrom + row * inputs + i]!
      for (let j = 0; j < outputs; j++) {
        gradient[i * outputs + j] = gradient[i * outputs + j]! + a0 * errors[errorsFrom + row * outputs + j]!
      }
    }
  }
}

function addFourOuterProducts(
  a: Float64Array,
  from: number,
  errors: Float64Array,
  e0: number,
  gradient: Float64Array,
  inputs: number,
  outputs: number,
): void {
  const e1 = e0 + outputs
  const e2 = e1 + outputs
  const e3 = e2 + outputs
  let i = 0
  for (; i + 1 < inputs; i += 2) {
    const a0 = a[from + i]!
    const a1 = a[from + inputs + i]!
    const a2 = a[from + 2 * inputs + i]!
    const a3 = a[from + 3 * inputs + i]!
    const b0 = a[from + i + 1]!
    const b1 = a[from + inputs + i + 1]!
    const b2 = a[from + 2 * inputs + i + 1]!
    const b3 = a[from + 3 * inputs + i + 1]!
    const at = i * outputs
    const below = at + outputs
    for (let j = 0; j < outputs; j++) {
      const f0 = errors[e0 + j]!
      const f1 = errors[e1 + j]!
      const f2 = errors[e2 + j]!
      const f3 = errors[e3 + j]!
      gradient[at + j] = gradient[at + j]! + a0 * f0 + a1 * f1 + a2 * f2 + a3 * f3
      gradient[below + j] = gradient[below + j]! + b0 * f0 + b1 * f1 + b2 * f2 + b3 * f3
    }
  }
  for (; i < inputs; i++) {
    const a0 = a[from + i]!
    const a1 = a[from + inputs + i]!
    const a2 = a[from + 2 * inputs + i]!
    const a3 = a[from + 3 * inputs + i]!
    const at = i * outputs
    for (let j = 0; j < outputs; j++) {
      gradient[at + j] =
        gradient[at + j]! + a0 * errors[e0 + j]! + a1 * errors[e1 + j]! + a2 * errors[e2 + j]! + a3 * errors[e3 + j]!
    }
  }
}

/** `out` (count x inputs) += `errors` (count x outputs) x transposed `weights` (inputs x outputs): also a projection on rows. */
export function addInputGradient(
  errors: Float64Array,
  errorsFrom: number,
  weights: Float64Array,
  out: Float64Array,
  outFrom: number,
  count: number,
  inputs: number,
  outputs: number,
): void {
  let row = 0
  for (; row + 1 < count; row += 2) {
    addTwoProjections(errors, errorsFrom + row * outputs, weights, out, outFrom + row * inputs, inputs, outputs)
  }
  if (row < count) addProjection(errors, errorsFrom + row * outputs, weights, out, outFrom + row * inputs, 0, inputs, outputs)
}

function addTwoProjections(
  errors: Float64Array,
  from: number,
  weights: Float64Array,
  out: Float64Array,
  to: number,
  inputs: number,
  outputs: number,
): void {
  const next = from + outputs
  const below = to + inputs
  let i = 0
  for (; i + 3 < inputs; i += 4) {
    const w0 = i * outputs
    const w1 = w0 + outputs
    const w2 = w1 + outputs
    const w3 = w2 + outputs
    let s0 = 0
    let s1 = 0
    let s2 = 0
    let s3 = 0
    let t0 = 0
    let t1 = 0
    let t2 = 0
    let t3 = 0
    for (let j = 0; j < outputs; j++) {
      const e = errors[from + j]!
      const f = errors[next + j]!
      const v0 = weights[w0 + j]!
      const v1 = weights[w1 + j]!
      const v2 = weights[w2 + j]!
      const v3 = weights[w3 + j]!
      s0 += e * v0
      s1 += e * v1
      s2 += e * v2
      s3 += e * v3
      t0 += f * v0
      t1 += f * v1
      t2 += f * v2
      t3 += f * v3
    }
    out[to + i] = out[to + i]! + s0
    out[to + i + 1] = out[to + i + 1]! + s1
    out[to + i + 2] = out[to + i + 2]! + s2
    out[to + i + 3] = out[to + i + 3]! + s3
    out[below + i] = out[below + i]! + t0
    out[below + i + 1] = out[below + i + 1]! + t1
    out[below + i + 2] = out[below + i + 2]! + t2
    out[below + i + 3] = out[below + i + 3]! + t3
  }
  addProjection(errors, from, weights, out, to, i, inputs, outputs)
  addProjection(errors, next, weights, out, below, i, inputs, outputs)
}

/** Of one row, from column `first` of the outcome on. */
function addProjection(
  errors: Float64Array,
  from: number,
  weights: Float64Array,
  out: Float64Array,
  to: number,
  first: number,
  inputs: number,
  outputs: number,
): void {
  let i = first
  for (; i + 3 < inputs; i += 4) {
    const w0 = i * outputs
    const w1 = w0 + outputs
    const w2 = w1 + outputs
    const w3 = w2 + outputs
    let s0 = 0
    let s1 = 0
    let s2 = 0
    let s3 = 0
    for (let j = 0; j < outputs; j++) {
      const error = errors[from + j]!
      s0 += error * weights[w0 + j]!
      s1 += error * weights[w1 + j]!
      s2 += error * weights[w2 + j]!
      s3 += error * weights[w3 + j]!
    }
    out[to + i] = out[to + i]! + s0
    out[to + i + 1] = out[to + i + 1]! + s1
    out[to + i + 2] = out[to + i + 2]! + s2
    out[to + i + 3] = out[to + i + 3]! + s3
  }
  for (; i < inputs; i++) {
    let sum = 0
    for (let j = 0; j < outputs; j++) sum += errors[from + j]! * weights[i * outputs + j]!
    out[to + i] = out[to + i]! + sum
  }
}
