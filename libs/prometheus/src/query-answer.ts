/**
 * The answer of the query API, from its JSON text to series of numbers. Trusts nothing: every shape is checked, so that a damaged
 * or foreign answer is an error with a code and never a wrong sample.
 *
 * Prometheus sends values as text, because JSON has no NaN and no infinity; both come out as such here, and it is for the
 * caller to drop them. Stale points are absent from an answer.
 *
 * Source: Prometheus HTTP API, "Expression queries".
 */
import { type LabelSet, sortedLabels } from '@lapwing/contracts/series'
import { QueryError, type QueryErrorCode } from './query-errors.ts'
import { createRecentCache } from './recent-cache.ts'

export interface QuerySeries {
  readonly labels: LabelSet
  /** Milliseconds since the epoch, rising. */
  readonly timestampsMs: readonly number[]
  /** May hold NaN and infinities. */
  readonly values: readonly number[]
}

/** The sorted labels of a series; undefined when one of them is no text. */
export type ReadLabels = (metric: Readonly<Record<string, unknown>>) => LabelSet | undefined

/**
 * The series of a successful answer: a range (matrix), an instant (vector) or a scalar, which is a series without labels. Throws
 * QueryError.
 *
 * @param readLabels one that remembers, where the same series come again and again
 */
export function parseAnswer(text: string, promql: string, readLabels: ReadLabels = labelsOf): QuerySeries[] {
  const fail = (code: QueryErrorCode, detail: string) => new QueryError(code, promql, { detail })
  const answer = parseJson(text)
  if (!isObject(answer) || answer.status !== 'success' || !isObject(answer.data)) throw fail('garbled', 'not a successful answer')
  const warnings = Array.isArray(answer.warnings) ? answer.warnings.map(String).filter((text) => !isAnnotation(text)) : []
  if (warnings.length > 0) throw fail('partial', warnings.join('; '))
  const { resultType, result } = answer.data
  if (!Array.isArray(result)) throw fail('garbled', 'no result')
  if (resultType === 'scalar') return [readSeries({ metric: {}, values: [result] }, readLabels, fail)]
  if (resultType === 'vector')
    return result.map((item) => readSeries({ ...item, values: item?.value && [item.value] }, readLabels, fail))
  if (resultType === 'matrix') return result.map((item) => readSeries(item, readLabels, fail))
  throw fail('garbled', `result of type ${String(resultType)}`)
}

/** The types in an answer of the metadata API, each once. Throws QueryError. */
export function metricTypes(text: string, metric: string): string[] {
  const answer = parseJson(text)
  if (!isObject(answer) || answer.status !== 'success' || !isObject(answer.data))
    throw new QueryError('garbled', metric, { detail: 'not a successful answer' })
  const entries = Object.hasOwn(answer.data, metric) ? answer.data[metric] : []
  if (!Array.isArray(entries)) throw new QueryError('garbled', metric, { detail: 'metadata that is no list' })
  return [...new Set(entries.flatMap((entry) => (isObject(entry) && typeof entry.type === 'string' ? [entry.type] : [])))]
}

/** What Prometheus says of a failure: the `error` of its answer, or the beginning of whatever else it was. */
export function errorText(text: string): string {
  const answer = parseJson(text)
  return isObject(answer) && typeof answer.error === 'string' ? answer.error : text.trim()
}

type Fail = (code: QueryErrorCode, detail: string) => QueryError

function readSeries(item: unknown, readLabels: ReadLabels, fail: Fail): QuerySeries {
  if (!isObject(item) || !isObject(item.metric)) throw fail('garbled', 'a series without labels')
  if (item.histogram || item.histograms) throw fail('not_numeric', '')
  if (!Array.isArray(item.values)) throw fail('garbled', 'a series without values')
  const labels = readLabels(item.metric)
  if (!labels) throw fail('garbled', 'a label that is no text')
  const timestampsMs: number[] = []
  const values: number[] = []
  for (const point of item.values) {
    const timestampMs = Array.isArray(point) && typeof point[0] === 'number' ? Math.round(point[0] * 1000) : Number.NaN
    if (!(timestampMs > (timestampsMs.at(-1) ?? -latestMs)) || timestampMs > latestMs)
      throw fail('garbled', 'timestamps that do not rise')
    timestampsMs.push(timestampMs)
    values.push(parseValue(point[1], fail))
  }
  return { labels, timestampsMs, values }
}

function labelsOf(metric: Readonly<Record<string, unknown>>): LabelSet | undefined {
  const pairs = Object.entries(metric)
  return pairs.every((pair): pair is [string, string] => typeof pair[1] === 'string') ? sortedLabels(pairs) : undefined
}

/**
 * Remembers the labels of the series seen last, so that a series that comes with every poll is sorted once and is the same object
 * each time.
 *
 * @param limit series remembered at least; at most twice as many are
 */
export function rememberingLabels(limit: number): ReadLabels {
  const known = createRecentCache<LabelSet>(limit)
  return (metric) => {
    // Lengths, so that no choice of texts can make two series look alike.
    let key = ''
    for (const name in metric) {
      const value = metric[name]
      if (typeof value !== 'string') return undefined
      key += `${name.length}:${name}${value.length}:${value}`
    }
    const found = known.get(key)
    if (found) return found
    const labels = labelsOf(metric)
    if (labels) known.set(key, labels)
    return labels
  }
}

function parseValue(text: unknown, fail: Fail): number {
  if (text === 'NaN') return Number.NaN
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  if (text === '-Inf') return Number.NEGATIVE_INFINITY
  const value = typeof text === 'string' && text !== '' ? Number(text) : Number.NaN
  if (!Number.isFinite(value)) throw fail('garbled', 'a value that is no number')
  return value
}

/** The range of a JavaScript date: beyond it a timestamp could not even be shown. */
const latestMs = 8.64e15

/**
 * A remark on the expression (a quantile out of range, a mix of floats and histograms), and not on the data: it comes with every
 * answer, so waiting for one without it would be waiting for ever.
 */
function isAnnotation(warning: string): boolean {
  return warning.startsWith('PromQL warning: ')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** undefined when it is not JSON: for the callers a broken answer and one of the wrong shape are the same. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
