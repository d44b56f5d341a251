/** Tells a record that is damaged from an error of ours. */
import { DecodeError } from '@lapwing/contracts/codec'
import { ColumnError } from '@lapwing/contracts/columns'

/** A RangeError comes from a symbol table that points outside itself, or from a time that is no date. */
export function isDamaged(error: unknown): error is Error {
  return error instanceof DecodeError || error instanceof ColumnError || error instanceof RangeError
}
