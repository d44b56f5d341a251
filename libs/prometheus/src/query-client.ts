/**
 * Asks a Prometheus, or anything that speaks its query API. One call is one request: no retries, no state; when to ask again
 * is the caller's decision, and `QueryError` says whether it makes sense.
 *
 * Everything has a bound: the request in time, the answer in bytes (of the decompressed text, so a compressed answer cannot
 * grow in memory), the range in points. Expressions travel in the body of a POST, because they outgrow an address. Redirects
 * are never followed: the credentials and the queries are for this server.
 *
 * Source: Prometheus HTTP API.
 */
import { type EvaluationRange, pointCount, pointsPerRequestMax } from './alignment.ts'
import { retryAfterMs } from './backoff.ts'
import { errorText, parseAnswer, type QuerySeries } from './query-answer.ts'
import { QueryError, type QueryErrorCode } from './query-errors.ts'

export interface QueryClientOptions {
  /** Address without the `/api/v1`; a user and password in it are sent as basic authentication. */
  readonly url: string
  readonly timeoutMs: number
  /** Sent as `Authorization: Bearer`. */
  readonly bearerToken?: string | undefined
}

export interface QueryClient {
  /**
   * Evaluates at each step of an aligned range. Throws a RangeError for more than `pointsPerRequestMax` points (cut the range
   * with `splitRange`), QueryError for what can go wrong on the way, and the signal's reason once it is aborted.
   */
  queryRange(promql: string, range: EvaluationRange, signal: AbortSignal): Promise<QuerySeries[]>
  /** Evaluates once, at the given time. Throws as `queryRange` does. */
  query(promql: string, atMs: number, signal: AbortSignal): Promise<QuerySeries[]>
}

/** Largest answer taken: its parsing blocks the process for about a third of a second. */
export const answerBytesMax = 32 * 1024 * 1024

export function createQueryClient(options: QueryClientOptions): QueryClient {
  const { address, authorization } = splitCredentials(options)
  const headers = { accept: 'application/json', ...(authorization && { authorization }) }
  const ask = async (path: string, form: Record<string, string>, promql: string, signal: AbortSignal) => {
    const body = new URLSearchParams({ query: promql, timeout: `${options.timeoutMs}ms`, ...form })
    const { status, retryAfter, location, text } = await exchange(
      `${address}/api/v1/${path}`,
      headers,
      body,
      promql,
      options.timeoutMs,
      signal,
    )
    if (status === 200) return parseAnswer(text, promql)
    const detail = location ? `to ${location}` : errorText(text)
    throw new QueryError(codeOfStatus(status), promql, { detail, retryAfterMs: retryAfterMs(retryAfter, Date.now()) })
  }
  return {
    queryRange: async (promql, range, signal) => {
      if (pointCount(range) > pointsPerRequestMax)
        throw new RangeError(`${pointCount(range)} points in one request, at most ${pointsPerRequestMax}`)
      const form = { start: seconds(range.startMs), end: seconds(range.endMs), step: seconds(range.stepMs) }
      const series = await ask('query_range', form, promql, signal)
      refusePointsOutside(series, range, promql)
      return series
    },
    query: (promql, atMs, signal) => ask('query', { time: seconds(atMs) }, promql, signal),
  }
}

/** Each step belongs to one request: a point from elsewhere would be there twice. */
function refusePointsOutside(series: readonly QuerySeries[], { startMs, endMs }: EvaluationRange, promql: string): void {
  for (const { timestampsMs } of series) {
    if ((timestampsMs[0] ?? startMs) >= startMs && (timestampsMs.at(-1) ?? endMs) <= endMs) continue
    throw new QueryError('garbled', promql, { detail: 'points outside of the range' })
  }
}

interface Answer {
  readonly status: number
  readonly retryAfter: string | null
  readonly location: string | null
  readonly text: string
}

/**
 * One request and its whole answer. The timer and the listener are taken back afterwards: `AbortSignal.any` on a signal that
 * lives as long as the process keeps a little memory for each request on Node 20.
 */
async function exchange(
  url: string,
  headers: Record<string, string>,
  body: URLSearchParams,
  promql: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  signal.throwIfAborted()
  const request = new AbortController()
  const cancel = () => request.abort(signal.reason)
  signal.addEventListener('abort', cancel, { once: true })
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    request.abort()
  }, timeoutMs)
  try {
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal: request.signal })
    const text = await readBounded(response, promql)
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      location: response.headers.get('location'),
      text,
    }
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof QueryError) throw cause
    const detail = timedOut ? `${timeoutMs} ms` : rootMessage(cause)
    throw new QueryError(timedOut ? 'timeout' : 'unreachable', promql, { detail, cause })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', cancel)
  }
}

async function readBounded(response: Response, promql: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > answerBytesMax) throw new QueryError('too_large', promql, { detail: `over ${answerBytesMax} bytes` })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes).toString('utf8')
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

/** `fetch` says only "fetch failed"; what failed is in the causes. */
function rootMessage(error: unknown): string {
  let root = error
  while (root instanceof Error && root.cause) root = root.cause
  if (!(root instanceof Error)) return String(root)
  return root.message || ((root as NodeJS.ErrnoException).code ?? root.name)
}

/** `fetch` refuses addresses with credentials in them, and they must not appear in its errors. */
function splitCredentials({ url, bearerToken }: QueryClientOptions): { address: string; authorization: string | undefined } {
  const parsed = new URL(url)
  const login = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`
  const basic = parsed.username ? `Basic ${Buffer.from(login).toString('base64')}` : undefined
  parsed.username = ''
  parsed.password = ''
  return { address: parsed.href.replace(/\/+$/, ''), authorization: bearerToken ? `Bearer ${bearerToken}` : basic }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}
