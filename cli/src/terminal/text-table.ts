/**
 * A table of text for a terminal, safe for cells that come from anywhere.
 *
 * What a topic holds was written by others, and a terminal obeys control characters: in cells they are shown as escapes, and
 * a long cell is cut. Blind to how wide a character is drawn, so a row with wide ones stands a little to the right.
 */

export interface Column {
  readonly heading: string
  readonly align: 'left' | 'right'
  /** A longer cell is cut to this many characters; absent where the length is known to be bounded. */
  readonly maxCharacters?: number
}

/** One line for the headings and one per row, each ended by a line break. */
export function textTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => columns.map(({ maxCharacters }, i) => visible(cut(row[i] ?? '', maxCharacters))))
  const lines = [columns.map(({ heading }) => heading), ...cells]
  const widths = columns.map((_, i) => lines.reduce((width, line) => Math.max(width, line[i]!.length), 0))
  const pad = (cell: string, i: number) => (columns[i]!.align === 'right' ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))
  return lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('')
}

/**
 * Control, format and bidirectional characters, line separators and halves of surrogate pairs as `\u001b`. In the text of a JSON
 * value that is the same value.
 */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  )
}

/** A value as one line of JSON that a terminal shows and does not obey. */
export function jsonLine(value: unknown): string {
  return `${visible(JSON.stringify(value))}\n`
}

function cut(text: string, maxCharacters = Number.POSITIVE_INFINITY): string {
  return text.length > maxCharacters ? `${text.slice(0, maxCharacters - 1)}…` : text
}
