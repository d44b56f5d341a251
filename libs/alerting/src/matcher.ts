/**
 * Label matchers in Alertmanager's words: `team="db"`, `instance!="a"`, `instance=~"db-.*"`, `severity!~"info|warning"`.
 *
 * A regular expression must match the whole value. It runs on RE2, whose time grows with the length of the value and never
 * explodes; back-references and look-around, which need backtracking, are refused with the reason. A label that an alert does
 * not have counts as empty, as in Prometheus.
 *
 * Source: Alertmanager "Configuration", section matchers; RE2 "Syntax".
 */
import { RE2JS } from 're2js'
import { ReadableError } from './readable-error.ts'

export type LabelSet = Readonly<Record<string, string>>

export interface Matcher {
  readonly label: string
  readonly operator: '=' | '!=' | '=~' | '!~'
  readonly value: string
  matches(labels: LabelSet): boolean
}

/** Longer patterns are refused: compiling one is the only step whose cost its writer decides. */
const longestPattern = 1000

/** Reads `label operator value`, the value bare or in double quotes. Throws ReadableError. */
export function parseMatcher(text: string): Matcher {
  const [, label, operator, raw] = /^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$/s.exec(text) ?? []
  if (label === undefined) throw new ReadableError('expected a matcher such as team="db" or instance=~"db-.*"')
  return createMatcher(label, operator as Matcher['operator'], unquoted(raw ?? ''))
}

/** Throws ReadableError when the value is no regular expression that RE2 takes. */
export function createMatcher(label: string, operator: Matcher['operator'], value: string): Matcher {
  return { label, operator, value, matches: predicate(label, operator, value) }
}

/** `team="db", instance=~"db-.*"` */
export function matchersText(
  matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[],
): string {
  return matchers.map(({ label, operator, value }) => `${label}${operator}${JSON.stringify(value)}`).join(', ')
}

export function allMatch(matchers: readonly Matcher[], labels: LabelSet): boolean {
  return matchers.every((matcher) => matcher.matches(labels))
}

function predicate(label: string, operator: Matcher['operator'], value: string): Matcher['matches'] {
  const found = (labels: LabelSet) => (Object.hasOwn(labels, label) ? labels[label]! : '')
  if (operator === '=') return (labels) => found(labels) === value
  if (operator === '!=') return (labels) => found(labels) !== value
  const pattern = compiled(value)
  if (operator === '=~') return (labels) => pattern.matches(found(labels))
  return (labels) => !pattern.matches(found(labels))
}

function compiled(pattern: string): RE2JS {
  if (pattern.length > longestPattern)
    throw new ReadableError(`expected a regular expression of at most ${longestPattern} characters`)
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    throw new ReadableError(`expected a regular expression without backtracking (RE2): ${(error as Error).message}`)
  }
}

/** As Alertmanager reads it: `\\"`, `\\\\` and `\\n` are escapes, any other backslash is part of the pattern. */
function unquoted(text: string): string {
  const [, inner] = /^"((?:[^"\\]|\\.)*)"$/s.exec(text) ?? []
  if (inner === undefined) {
    if (text.includes('"')) throw new ReadableError('expected a value without quotes, or one in double quotes with \\" inside')
    return text
  }
  return inner.replace(/\\(["\\n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
}
