/**
 * The three products that a dense step and its gradient are made of, on row-major float64 arrays.
 *
 * Each works on four rows at a time: a sum is read and written once for four products, which makes plain JavaScript about three times
 * as fast as one at a time. `inputs` of a call is the number of columns of the left matrix, `outputs` that of the right one.
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
  for (let row = 0; row < count; row++) {
    const from = aFrom + row * inputs
    const to = outFrom + row * outputs
    let i = 0
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
    const e0 = errorsFrom + row * outputs
    const e1 = e0 + outputs
    const e2 = e1 + outputs
    const e3 = e2 + outputs
    const from = aFrom + row * inputs
    for (let i = 0; i < inputs; i++) {
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
  for (; row < count; row++) {
    for (let i = 0; i < inputs; i++) {
      const a0 = a[aFrom + row * inputs + i]!
      for (let j = 0; j < outputs; j++) {
        gradient[i * outputs + j] = gradient[i * outputs + j]! + a0 * errors[errorsFrom + row * outputs + j]!
      }
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
  for (let row = 0; row < count; row++) {
    const from = errorsFrom + row * outputs
    const to = outFrom + row * inputs
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
}
