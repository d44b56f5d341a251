/** Tells a record that is damaged from an error of ours. */
import { DecodeError } from '@lapwing/contracts/codec'
import { ColumnError } from '@lapwing/contracts/columns'

export function isDamaged(error: unknown): error is Error {
  return error instanceof DecodeError || error instanceof ColumnError
}
