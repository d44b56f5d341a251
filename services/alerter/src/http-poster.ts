/**
 * Posts JSON to one receiver, behind a circuit breaker, and sorts what can go wrong into `deliveryErrors`.
 *
 * The breaker opens when half of at least five requests of the last two minutes failed, and lets one through every half minute.
 * Refusals and 429 don't count: the receiver is well. A request that takes too long is cancelled and may have arrived all the
 * same. Redirects are not followed: an address that was configured must not lead elsewhere. Of an answer the first part is read.
 *
 * The address may itself be the secret, so it is never part of an error, nor is what the receiver repeats of it.
 */
import CircuitBreaker from 'opossum'
import { DeliveryError, type DeliveryErrorCode, deliveryErrors } from './delivery-errors.ts'
import type { BreakerState } from './receiver.ts'

export interface HttpPoster {
  /** Resolves with the answer, as far as it is read. Rejects with a DeliveryError. The address is the configured one unless another is given. */
  post(body: object, signal: AbortSignal, url?: URL): Promise<string>
  breakerState(): BreakerState
  close(): void
}

export interface HttpPosterOptions {
  readonly name: string
  readonly url: URL
  /** `application/json` unless another is given. */
  readonly contentType?: string
  /** Sent along, and as secret as the address. */
  readonly headers?: Readonly<Record<string, string>>
  /** Longest time for request and answer. */
  readonly timeoutMs: number
  /** How much of an answer is read, in characters; a thousand unless set. */
  readonly answerLimit?: number
  /** What an answer with a successful status says went wrong; undefined when the alert was taken. */
  failureIn(answer: string): DeliveryErrorCode | undefined
}

export function createHttpPoster(options: HttpPosterOptions): HttpPoster {
  const post = (body: object, signal: AbortSignal, url: URL) => postOnce({ ...options, url }, body, signal)
  const breaker = new CircuitBreaker(post, {
    name: options.name,
    timeout: false,
    volumeThreshold: 5,
    errorThresholdPercentage: 50,
    rollingCountTimeout: 120_000,
    rollingCountBuckets: 12,
    resetTimeout: 30_000,
    errorFilter: (error) => error instanceof DeliveryError && !deliveryErrors[error.code].countsForBreaker,
  })
  return {
    post: (body, signal, url = options.url) =>
      breaker.fire(body, signal, url).catch((error: unknown) => {
        if (error instanceof DeliveryError) throw error
        if ((error as { code?: string }).code === 'EOPENBREAKER') throw new DeliveryError('breaker_open')
        throw error
      }),
    breakerState: () => (breaker.opened ? 'open' : breaker.halfOpen ? 'half_open' : 'closed'),
    close: () => breaker.shutdown(),
  }
}

async function postOnce(options: HttpPosterOptions, body: object, stopping: AbortSignal): Promise<string> {
  const deadline = AbortSignal.timeout(options.timeoutMs)
  try {
    const response = await fetch(options.url, {
      method: 'POST',
      headers: { ...options.headers, 'content-type': options.contentType ?? 'application/json' },
      body: JSON.stringify(body),
      redirect: 'manual',
      signal: AbortSignal.any([stopping, deadline]),
    })
    const answer = await readStart(response, options.answerLimit ?? enoughOfAnswer)
    const code = response.ok ? options.failureIn(answer) : codeOf(response.status)
    if (code === undefined) return answer
    const detail = `HTTP ${response.status} ${quoted(answer, options)}`
    throw new DeliveryError(code, detail, retryAfterMs(response.headers.get('retry-after'), Date.now()))
  } catch (error) {
    if (error instanceof DeliveryError) throw error
    if (stopping.aborted) throw new DeliveryError('stopping')
    if (deadline.aborted) throw new DeliveryError('timeout', `${options.timeoutMs} ms`)
    const cause = causeCode(error)
    throw new DeliveryError(cause && neverConnected.includes(cause) ? 'unreachable' : 'interrupted', cause)
  }
}

/** Node's codes of a connection that was never made, so that nothing can have arrived. */
const neverConnected = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']

function codeOf(status: number): 'rate_limited' | 'server_error' | 'refused' | 'unexpected_answer' {
  if (status === 429) return 'rate_limited'
  if (status >= 500 || status === 408 || status === 425) return 'server_error'
  return status >= 400 ? 'refused' : 'unexpected_answer'
}

/** `Retry-After` as seconds or as a date; undefined when it is neither. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000
  const atMs = Date.parse(header)
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs)
}

const enoughOfAnswer = 1024

async function readStart(response: Response, limit: number): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > limit) break
  }
  return text
}

/** What the receiver said, shortened, without what it repeats of its own address and of what it was shown: some servers name the path in a 404. */
function quoted(answer: string, { url, headers }: HttpPosterOptions): string {
  const credentials = headers?.authorization?.split(' ') ?? []
  const parts = [...credentials, ...`${url.pathname}${url.search}`.split(/[/?&=]/)].filter((part) => part.length >= 6)
  const clean = parts.reduce((text, part) => text.replaceAll(part, '[secret]'), answer.replace(/\s+/g, ' ').trim())
  return JSON.stringify(clean.slice(0, 200))
}

/** `ECONNREFUSED` and its like; messages are left out because they can contain the address. */
function causeCode(error: unknown): string | undefined {
  return ((error as { cause?: { code?: string } }).cause?.code ?? (error as { code?: string }).code)?.toString()
}
