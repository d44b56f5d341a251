/** The bytes of a typed array, without copying. */
export function memoryOf(column: Float64Array | Float32Array | Uint32Array | Uint16Array | Uint8Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength)
}
