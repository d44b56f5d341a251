/**
 * Columns of numbers as bytes: little-endian, as typed arrays lie in memory on every machine Node runs on.
 *
 * Reading copies a column once, because Avro hands out bytes at any address and a typed array needs an aligned one.
 */

/** The same memory as bytes, in the type that the codec takes. */
export function bytesOf(column: Float64Array | Float32Array | Uint32Array | Uint8Array): Buffer {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength)
}

/** Throws a ColumnError when the bytes are not a whole number of elements, or not `count` of them. */
export function float64Column(bytes: Uint8Array, count?: number): Float64Array {
  return new Float64Array(aligned(bytes, 8, count))
}

/** As `float64Column`. */
export function float32Column(bytes: Uint8Array, count?: number): Float32Array {
  return new Float32Array(aligned(bytes, 4, count))
}

/** As `float64Column`. */
export function uint32Column(bytes: Uint8Array, count?: number): Uint32Array {
  return new Uint32Array(aligned(bytes, 4, count))
}

/** As `float64Column`, for a reader who is done before the bytes go: without a copy where they lie as they should. */
export function float64View(bytes: Uint8Array, count: number): Float64Array {
  if (bytes.byteOffset % 8 !== 0) return float64Column(bytes, count)
  refuseUnlessFitting(bytes, 8, count)
  return new Float64Array(bytes.buffer, bytes.byteOffset, count)
}

/** As `float64View`. */
export function uint32View(bytes: Uint8Array, count: number): Uint32Array {
  if (bytes.byteOffset % 4 !== 0) return uint32Column(bytes, count)
  refuseUnlessFitting(bytes, 4, count)
  return new Uint32Array(bytes.buffer, bytes.byteOffset, count)
}

export function uint8Column(bytes: Uint8Array, count: number): Uint8Array {
  refuseUnlessFitting(bytes, 1, count)
  return bytes
}

/** Columns that do not fit together: the record is damaged or was written by something else. */
export class ColumnError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ColumnError'
  }
}

function aligned(bytes: Uint8Array, width: number, count: number | undefined): ArrayBuffer {
  refuseUnlessFitting(bytes, width, count)
  const copy = new ArrayBuffer(bytes.length)
  new Uint8Array(copy).set(bytes)
  return copy
}

function refuseUnlessFitting(bytes: Uint8Array, width: number, count: number | undefined): void {
  const fits = count === undefined ? bytes.length % width === 0 : bytes.length === count * width
  if (fits) return
  throw new ColumnError(`column of ${bytes.length} bytes, expected ${count ?? 'a whole number of'} elements of ${width} bytes`)
}
