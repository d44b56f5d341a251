/** Fields of a remote-write message, read with suspicion: types are checked, and nothing reaches beyond what holds it. */
import type { PbfReader } from 'pbf'
import { WriteError } from './remote-write-errors.ts'

export const bytesType = 2
export const doubleType = 1
export const varintType = 0

/** Where the message that starts here ends; the reader stands on its length. */
export function messageEnd(reader: PbfReader, parentEnd: number): number {
  expectType(reader, bytesType)
  const end = reader.readVarint() + reader.pos
  if (end > parentEnd) throw new WriteError('malformed', 'a field is longer than what holds it')
  return end
}

export function expectType(reader: PbfReader, type: number): void {
  if (reader.type !== type) throw new WriteError('malformed', `a field of wire type ${reader.type}, expected ${type}`)
}
