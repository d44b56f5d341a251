/** HTML as text, with everything that comes from elsewhere escaped. */

/** Text that is HTML already. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A template whose values are escaped unless they are Html; a list is put one after the other. */
export function html(parts: TemplateStringsArray, ...values: readonly unknown[]): Html {
  return new Html(parts.reduce((all, part, i) => all + part + (i < values.length ? written(values[i]) : ''), ''))
}

function written(value: unknown): string {
  if (value instanceof Html) return value.text
  if (Array.isArray(value)) return value.map(written).join('')
  return value === undefined || value === null ? '' : escaped(String(value))
}

/** Control and bidirectional characters too, which a reader would not see. */
function escaped(text: string): string {
  const special: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text
    .replace(/[&<>"']/g, (character) => special[character]!)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`)
}
