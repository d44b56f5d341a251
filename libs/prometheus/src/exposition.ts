/**
 * The exposition formats of a `/metrics` page: Prometheus' text format 0.0.4 and OpenMetrics 1.0, line by line.
 *
 * A sample is handed on with the text of its series as it stands on the page: whoever has seen that text before need not have its
 * labels parsed again, which is most of the work. A page with a malformed line is refused whole, as Prometheus does: what stands
 * behind the mistake cannot be trusted to be what it looks like.
 *
 * Exemplars are skipped; `_created` series of OpenMetrics tell when a counter began and are left out.
 *
 * Source: Prometheus "Exposition formats"; OpenMetrics 1.0 specification. The well-kept parsers on npm do either no OpenMetrics, no
 * timestamps or no errors with a line.
 */
import { type LabelSet, sortedLabels } from '@lapwing/contracts/series'

export type ExpositionFormat = 'text' | 'openmetrics'

export interface ExposedSample {
  /** The series as it stands on the page: equal texts are the same series. */
  readonly series: string
  readonly value: number
  /** Milliseconds since the epoch; undefined: the time of the scrape. */
  readonly timestampMs: number | undefined
  /** Whether it only climbs, until it begins again at 0. */
  readonly isCounter: boolean
}

/** A page that is not what it says it is. */
export class ExpositionError extends Error {
  /** From 1. */
  readonly line: number
  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`)
    this.name = 'ExpositionError'
    this.line = line
  }
}

/** From a Content-Type header; anything that is not OpenMetrics is read as text, which is what old exporters send under any name. */
export function formatOf(contentType: string | null): ExpositionFormat {
  return contentType?.trim().toLowerCase().startsWith('application/openmetrics-text') ? 'openmetrics' : 'text'
}

/** What to ask for, best first. */
export const acceptedFormats = 'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'

/** Calls back for each sample, in the order of the page. Throws ExpositionError; samples before the mistake were handed on then. */
export function parseExposition(text: string, format: ExpositionFormat, onSample: (sample: ExposedSample) => void): void {
  const types = new Map<string, string>()
  let number = 0
  let isEnded = false
  for (const line of lines(text)) {
    number++
    if (isEnded) throw new ExpositionError(number, 'something after # EOF')
    if (line === '' || line.trim() === '') continue
    if (line.startsWith('#')) {
      isEnded = format === 'openmetrics' && line === '# EOF'
      readType(line, types)
    } else {
      const sample = readSample(line, number, format, types)
      if (sample) onSample(sample)
    }
  }
  if (format === 'openmetrics' && !isEnded) throw new ExpositionError(number, 'no # EOF at the end: the page is cut short')
}

/** Name and labels of a series text that `parseExposition` handed on. Throws ExpositionError for labels that are not. */
export function seriesLabels(series: string, line = 0): LabelSet {
  const brace = series.indexOf('{')
  if (brace === -1) return sortedLabels([['__name__', series]])
  const pairs: [string, string][] = []
  const name = series.slice(0, brace).trim()
  if (name !== '') pairs.push(['__name__', name])
  let at = brace + 1
  for (;;) {
    at = skip(series, at, ' \t,')
    if (series[at] === '}') break
    const pair = readPair(series, at, line)
    at = pair.end
    // As in Prometheus a label that is empty is a label that is absent.
    if (pair.value === '') continue
    if (pairs.some(([known]) => known === pair.name)) throw new ExpositionError(line, `label ${pair.name} twice`)
    pairs.push([pair.name, pair.value])
  }
  if (pairs[0]?.[0] !== '__name__' && !pairs.some(([known]) => known === '__name__')) throw new ExpositionError(line, 'no name')
  return sortedLabels(pairs)
}

function* lines(text: string): Generator<string> {
  let from = 0
  while (from < text.length) {
    const end = text.indexOf('\n', from)
    const to = end === -1 ? text.length : end
    yield text.charCodeAt(to - 1) === carriageReturn ? text.slice(from, to - 1) : text.slice(from, to)
    from = to + 1
  }
}

const carriageReturn = 13

function readType(line: string, types: Map<string, string>): void {
  const [, name, type] = /^#[ \t]+TYPE[ \t]+(\S+)[ \t]+(\w+)[ \t]*$/.exec(line) ?? []
  if (name && type) types.set(name.replace(/^"(.*)"$/, '$1'), type)
}

/** undefined for a series that tells when another began. */
function readSample(
  line: string,
  number: number,
  format: ExpositionFormat,
  types: ReadonlyMap<string, string>,
): ExposedSample | undefined {
  const end = seriesEnd(line, number)
  const [value, timestamp, ...more] = withoutExemplar(line.slice(end), format)
    .trim()
    .split(/[ \t]+/)
  if (!value || more.length > 0) throw new ExpositionError(number, 'expected a value and at most a timestamp behind the series')
  const series = line.slice(0, end)
  const name = nameOf(series)
  if (format === 'openmetrics' && /_created$/.test(name) && types.has(name.slice(0, -8))) return undefined
  return {
    series,
    value: parseValue(value, number),
    timestampMs: timestamp === undefined ? undefined : parseTimestamp(timestamp, number, format),
    isCounter: isCounter(name, series, types),
  }
}

/** Just behind the name, or behind the brace that closes the labels. */
function seriesEnd(line: string, number: number): number {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0] ?? ''
  const brace = skip(line, name.length, ' \t')
  if (line[brace] !== '{') {
    if (name === '' || (brace === name.length && brace < line.length)) throw new ExpositionError(number, 'expected a metric name')
    return name.length
  }
  for (let at = brace + 1; at < line.length; at++) {
    if (line[at] === '"') at = quoteEnd(line, at, number)
    else if (line[at] === '}') return at + 1
  }
  throw new ExpositionError(number, 'labels that are not closed')
}

/** The place of the quote that closes the one at `at`. */
function quoteEnd(text: string, at: number, line: number): number {
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === '\\') end++
    else if (text[end] === '"') return end
  }
  throw new ExpositionError(line, 'a label value that is not closed')
}

function withoutExemplar(rest: string, format: ExpositionFormat): string {
  const hash = format === 'openmetrics' ? rest.indexOf(' # ') : -1
  return hash === -1 ? rest : rest.slice(0, hash)
}

function nameOf(series: string): string {
  const brace = series.indexOf('{')
  if (brace === -1) return series
  const outside = series.slice(0, brace).trim()
  return outside === '' ? (/^\{[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*[,}]/.exec(series)?.[1] ?? '') : outside
}

/** `name="value"`, or a quoted name of a metric or a label that is not of the classic letters. */
function readPair(text: string, from: number, line: number): { name: string; value: string; end: number } {
  const isQuoted = text[from] === '"'
  const nameEnd = isQuoted
    ? quoteEnd(text, from, line) + 1
    : from + (/^[a-zA-Z_][a-zA-Z0-9_]*/.exec(text.slice(from))?.[0].length ?? 0)
  if (nameEnd === from) throw new ExpositionError(line, 'expected a label name')
  const name = isQuoted ? unescaped(text.slice(from + 1, nameEnd - 1)) : text.slice(from, nameEnd)
  const equals = skip(text, nameEnd, ' \t')
  if (text[equals] !== '=') {
    if (isQuoted && (text[equals] === ',' || text[equals] === '}')) return { name: '__name__', value: name, end: equals }
    throw new ExpositionError(line, `expected = behind label ${name}`)
  }
  const quote = skip(text, equals + 1, ' \t')
  if (text[quote] !== '"') throw new ExpositionError(line, `expected a quoted value of label ${name}`)
  const end = quoteEnd(text, quote, line)
  const next = skip(text, end + 1, ' \t')
  if (text[next] !== ',' && text[next] !== '}') throw new ExpositionError(line, `expected , or } behind label ${name}`)
  return { name, value: unescaped(text.slice(quote + 1, end)), end: next }
}

function unescaped(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\([\\"n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
}

function skip(text: string, from: number, characters: string): number {
  let at = from
  while (at < text.length && characters.includes(text[at]!)) at++
  return at
}

/** As Go reads a float, without its hexadecimal forms. */
function parseValue(text: string, line: number): number {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text)
  if (/^[+-]?nan$/i.test(text)) return Number.NaN
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  throw new ExpositionError(line, `${JSON.stringify(text.slice(0, 40))} is no number`)
}

/** Whole milliseconds in text, seconds with a fraction in OpenMetrics. */
function parseTimestamp(text: string, line: number, format: ExpositionFormat): number {
  const ms = format === 'text' ? Number(text) : Math.round(Number(text) * 1000)
  if (!Number.isSafeInteger(ms)) throw new ExpositionError(line, `${JSON.stringify(text.slice(0, 40))} is no timestamp`)
  return ms
}

function isCounter(name: string, series: string, types: ReadonlyMap<string, string>): boolean {
  const own = types.get(name)
  if (own !== undefined && own !== 'histogram' && own !== 'summary') return own === 'counter'
  const [, family, part] = /^(.+)_(total|bucket|count|sum)$/.exec(name) ?? []
  if (family === undefined) return false
  const type = types.get(family)
  if (part === 'total') return type === undefined || type === 'counter'
  if (part === 'bucket') return type === 'histogram'
  return type === 'histogram' || (type === 'summary' && !series.includes('quantile="'))
}
