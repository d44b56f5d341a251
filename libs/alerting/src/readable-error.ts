/** A mistake in something that a person wrote: the message says what was expected, and whoever read the file adds where. */
export class ReadableError extends Error {
  override readonly name = 'ReadableError'
}
