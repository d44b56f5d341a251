/**
 * A trained model as bytes, the same on every machine and for every backend, and back.
 *
 * `LWM1`, the length of a JSON header, the header, the arrays that it points to (little-endian), and the SHA-256 of all before. Nothing
 * is read from a file whose hash does not fit. The hash tells damage from health, not friend from foe: where models come from
 * others, it has to arrive on a way of its own.
 */
import { createHash } from 'node:crypto'
import { modelKinds, type TrainedModel } from './model.ts'

/** The bytes are no model of this format, or were changed. */
export class ModelFileError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ModelFileError'
  }
}

const magic = 'LWM1'
const digestBytes = 32
const arrayTypes = { float32: Float32Array, float64: Float64Array, uint8: Uint8Array } as const
type ModelArray = Float32Array | Float64Array | Uint8Array

export function encodeModel(model: TrainedModel): Uint8Array {
  const arrays: ModelArray[] = []
  let at = 0
  const header = JSON.stringify(model, (_, value: unknown) => {
    const array = Object.entries(arrayTypes).find(([, type]) => value instanceof type)?.[0]
    if (array === undefined) return value
    const numbers = value as ModelArray
    const pointer = { array, at, length: numbers.length }
    arrays.push(numbers)
    at += numbers.byteLength
    return pointer
  })
  const length = Buffer.alloc(4)
  length.writeUInt32LE(Buffer.byteLength(header))
  const parts = arrays.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength))
  const content = Buffer.concat([Buffer.from(magic), length, Buffer.from(header), ...parts])
  return Buffer.concat([content, createHash('sha256').update(content).digest()])
}

/** SHA-256 of a model file, in hexadecimal: the name under which it is known elsewhere. */
export function modelDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Throws ModelFileError. */
export function decodeModel(bytes: Uint8Array): TrainedModel {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (file.length < magic.length + 4 + digestBytes || file.toString('latin1', 0, 4) !== magic) {
    throw new ModelFileError('not a model file of this version')
  }
  const content = file.subarray(0, -digestBytes)
  if (!createHash('sha256').update(content).digest().equals(file.subarray(-digestBytes))) {
    throw new ModelFileError('the model file was changed or cut: its SHA-256 does not fit')
  }
  const start = 8 + content.readUInt32LE(4)
  const arrays = content.subarray(start)
  const model: TrainedModel = JSON.parse(content.toString('utf8', 8, start), (_, value) => arrayAt(value, arrays) ?? value)
  if (!modelKinds.includes(model.kind)) throw new ModelFileError(`the model file holds a model of unknown kind "${model.kind}"`)
  return model
}

/** A copy, because an array has to begin at a multiple of its numbers' size. */
function arrayAt(value: unknown, arrays: Uint8Array): ModelArray | undefined {
  if (typeof value !== 'object' || value === null || !('array' in value)) return undefined
  const { array, at, length } = value as { array: keyof typeof arrayTypes; at: number; length: number }
  const type = arrayTypes[array]
  return new type(Uint8Array.from(arrays.subarray(at, at + length * type.BYTES_PER_ELEMENT)).buffer)
}
