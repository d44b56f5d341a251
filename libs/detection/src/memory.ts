/** The bytes of a typed array, without copying. */
export function memoryOf(column: Float64Array | Float32Array | Uint32Array | Uint16Array | Uint8Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength)
}

/** Fills `part` from `bytes` at `at` and returns what comes after. Throws a RangeError when there is not enough. */
export function takeInto(part: Uint8Array, bytes: Uint8Array, at: number): number {
  const end = at + part.length
  if (end > bytes.length) throw new RangeError(`snapshot of ${bytes.length} bytes is too short`)
  part.set(bytes.subarray(at, end))
  return end
}

/** Fills all parts from `bytes`. Throws a RangeError when they do not fit exactly. */
export function takeAll(parts: Iterable<Uint8Array>, bytes: Uint8Array): void {
  let at = 0
  for (const part of parts) at = takeInto(part, bytes, at)
  if (at !== bytes.length) throw new RangeError(`snapshot of ${bytes.length} bytes, expected ${at}`)
}

/** A copy of the parts, one behind the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
