/**
 * What a search for series means: words, each of which must occur in the series' text, or a PromQL selector such as
 * `http_requests_total{job="shop",code=~"5.."}`. A text with a brace is a selector.
 *
 * Source: Prometheus, "Querying basics", instant vector selectors.
 */
import { createMatcher, type Matcher } from '@lapwing/alerting/matcher'
import type { SeriesView } from './projection.ts'

/** Throws a SearchProblem. */
export function seriesSearch(text: string): (view: SeriesView) => boolean {
  return text.includes('{') ? selectorSearch(text) : wordSearch(text)
}

/** A selector that cannot be read, in words for the person who types it. */
export class SearchProblem extends Error {}

function wordSearch(text: string): (view: SeriesView) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return () => true
  return (view) => {
    const found = view.text.toLowerCase()
    return words.every((word) => found.includes(word))
  }
}

const selectorForm = /^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*\{(.*)\}\s*$/s
const matcherForm = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*(?:,|$)/sy

function selectorSearch(text: string): (view: SeriesView) => boolean {
  const [, name, inside] = selectorForm.exec(text) ?? []
  if (inside === undefined) throw new SearchProblem('expected a selector such as up{job="shop"}: the brace is not closed')
  const matchers = matchersOf(inside)
  if (name !== undefined) matchers.push(matcherOf('__name__', '=', name))
  return ({ labels }) => {
    const byName = Object.fromEntries(labels.map((label) => [label.name, label.value]))
    return matchers.every((matcher) => matcher.matches(byName))
  }
}

function matchersOf(inside: string): Matcher[] {
  const matchers: Matcher[] = []
  matcherForm.lastIndex = 0
  while (inside.slice(matcherForm.lastIndex).trim() !== '') {
    const at = matcherForm.lastIndex
    const [, label, operator, quoted] = matcherForm.exec(inside) ?? []
    if (label === undefined) throw new SearchProblem(`expected label="value" at ${inside.slice(at).trim().slice(0, 40)}`)
    matchers.push(matcherOf(label, operator as Matcher['operator'], unquoted(quoted!)))
  }
  return matchers
}

function matcherOf(label: string, operator: Matcher['operator'], value: string): Matcher {
  try {
    return createMatcher(label, operator, value)
  } catch (error) {
    throw new SearchProblem((error as Error).message)
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' }

function unquoted(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(.)/gs, (_, escaped: string) => escapes[escaped] ?? escaped)
}
