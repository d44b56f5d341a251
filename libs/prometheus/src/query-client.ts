/**
 * Asks a Prometheus, or anything that speaks its query API. One call is one request: no retries, no state; when to ask again
 * is the caller's decision, and `QueryError` says whether it makes sense.
 *
 * Everything has a bound: the request in time, the answer in bytes, the range in points. Expressions travel in the body of a
 * POST, because they outgrow an address.
 *
 * Source: Prometheus HTTP API.
 */
import { type EvaluationRange, pointCount, pointsPerRequestMax } from './alignment.ts'
import { retryAfterMs } from './backoff.ts'
import { type Access, createExchange, HttpError, type HttpRequest, openAccess } from './http-exchange.ts'
import { errorText, metricTypes, parseAnswer, type QuerySeries, rememberingLabels } from './query-answer.ts'
import { QueryError, type QueryErrorCode } from './query-errors.ts'

export interface QueryClientOptions {
  /** Address without the `/api/v1`; a user and password in it are sent as basic authentication unless `access` says otherwise. */
  readonly url: string
  readonly timeoutMs: number
  /** Without: no credentials but those of the address. */
  readonly access?: Access
}

export interface QueryClient {
  /**
   * Evaluates at each step of an aligned range. Throws a RangeError for more than `pointsPerRequestMax` points (cut the range
   * with `splitRange`), QueryError for what can go wrong on the way, and the signal's reason once it is aborted.
   */
  queryRange(promql: string, range: EvaluationRange, signal: AbortSignal): Promise<QuerySeries[]>
  /** Evaluates once, at the given time. Throws as `queryRange` does. */
  query(promql: string, atMs: number, signal: AbortSignal): Promise<QuerySeries[]>
  /** The samples of a selector as they were scraped, after `fromMs` and up to `toMs`. Throws as `queryRange` does. */
  scraped(selector: string, fromMs: number, toMs: number, signal: AbortSignal): Promise<QuerySeries[]>
  /** The types that a metric is known under, most often one: `counter`, `gauge` … Empty when nothing is known. Throws as `queryRange` does. */
  metricTypes(metric: string, signal: AbortSignal): Promise<string[]>
}

/** Largest answer taken: its parsing blocks the process for about a third of a second. */
export const answerBytesMax = 32 * 1024 * 1024

/** About half a kilobyte each. */
const seriesRemembered = 100_000

export function createQueryClient(options: QueryClientOptions): QueryClient {
  const ask = asker(options)
  const readLabels = rememberingLabels(seriesRemembered)
  const post = async (path: string, form: Record<string, string>, promql: string, signal: AbortSignal) => {
    const body = new URLSearchParams({ query: promql, timeout: `${options.timeoutMs}ms`, ...form })
    return parseAnswer(await ask({ method: 'POST', path, form: body }, promql, signal), promql, readLabels)
  }
  const query = (promql: string, atMs: number, signal: AbortSignal) => post('query', { time: seconds(atMs) }, promql, signal)
  return {
    query,
    queryRange: async (promql, range, signal) => {
      if (pointCount(range) > pointsPerRequestMax)
        throw new RangeError(`${pointCount(range)} points in one request, at most ${pointsPerRequestMax}`)
      const form = { start: seconds(range.startMs), end: seconds(range.endMs), step: seconds(range.stepMs) }
      const series = await post('query_range', form, promql, signal)
      refusePointsOutside(series, range, promql)
      return series
    },
    scraped: async (selector, fromMs, toMs, signal) => {
      const series = await query(`${selector}[${toMs - fromMs}ms]`, toMs, signal)
      // Up to version 2 a range includes its beginning, from 3 on it does not.
      return series.map((one) => after(fromMs, one)).filter(({ timestampsMs }) => timestampsMs.length > 0)
    },
    metricTypes: async (metric, signal) =>
      metricTypes(await ask({ method: 'GET', path: `metadata?${new URLSearchParams({ metric })}` }, metric, signal), metric),
  }
}

/** Each sample belongs to one request: the one at the beginning was in the request before. */
function after(fromMs: number, { labels, timestampsMs, values }: QuerySeries): QuerySeries {
  const first = timestampsMs.findIndex((timestampMs) => timestampMs > fromMs)
  const from = first === -1 ? timestampsMs.length : first
  return { labels, timestampsMs: timestampsMs.slice(from), values: values.slice(from) }
}

/** Each step belongs to one request: a point from elsewhere would be there twice. */
function refusePointsOutside(series: readonly QuerySeries[], { startMs, endMs }: EvaluationRange, promql: string): void {
  for (const { timestampsMs } of series) {
    if ((timestampsMs[0] ?? startMs) >= startMs && (timestampsMs.at(-1) ?? endMs) <= endMs) continue
    throw new QueryError('garbled', promql, { detail: 'points outside of the range' })
  }
}

interface ApiRequest {
  readonly method: HttpRequest['method']
  readonly path: string
  readonly form?: URLSearchParams
}

/** The text of an answer with status 200; anything else is a QueryError. */
function asker(options: QueryClientOptions): (request: ApiRequest, promql: string, signal: AbortSignal) => Promise<string> {
  const { address, authorization } = splitCredentials(options.url)
  const headers = { accept: 'application/json', ...(authorization && { authorization }) }
  const exchange = createExchange(options.access ?? openAccess)
  return async ({ method, path, form }, promql, signal) => {
    try {
      const answer = await exchange(
        {
          method,
          url: `${address}/api/v1/${path}`,
          headers,
          ...(form && { form }),
          timeoutMs: options.timeoutMs,
          bytesMax: answerBytesMax,
        },
        signal,
      )
      if (answer.status === 200) return answer.text
      const location = answer.header('location')
      const detail = location ? `to ${location}` : errorText(answer.text)
      const askedMs = retryAfterMs(answer.header('retry-after'), Date.now())
      throw new QueryError(codeOfStatus(answer.status), promql, { detail, retryAfterMs: askedMs })
    } catch (error) {
      if (error instanceof HttpError) throw new QueryError(error.code, promql, { detail: error.message, cause: error.cause })
      throw error
    }
  }
}

function codeOfStatus(status: number): QueryErrorCode {
  if (status === 400) return 'bad_query'
  if (status === 422) return 'not_executable'
  if (status === 401 || status === 403) return 'unauthorised'
  if (status === 429) return 'throttled'
  if (status === 503) return 'unavailable'
  if (status >= 500) return 'server_error'
  if (status >= 300 && status < 400) return 'redirected'
  return 'not_prometheus'
}

/** `fetch` refuses addresses with credentials in them, and they must not appear in its errors. */
function splitCredentials(url: string): { address: string; authorization: string | undefined } {
  const parsed = new URL(url)
  const login = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`
  const authorization = parsed.username ? `Basic ${Buffer.from(login).toString('base64')}` : undefined
  parsed.username = ''
  parsed.password = ''
  return { address: parsed.href.replace(/\/+$/, ''), authorization }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}
