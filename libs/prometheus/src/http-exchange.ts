/**
 * One bounded HTTP request: bounded in time, and in bytes of the decompressed answer, so that a compressed one cannot grow in
 * memory. Redirects are never followed: the credentials are for the server that was named, and for nobody it points to.
 *
 * Credentials and certificates are asked for before each request. A secret that was rotated is therefore the next one sent, and
 * a changed certificate opens new connections; the old ones end with the requests on them.
 */
import { createHash } from 'node:crypto'
import { Agent, fetch } from 'undici'

/** PEM texts, and what to hold the server to. */
export interface TlsMaterial {
  /** Undefined: what Node trusts. */
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  /** Name that the certificate of the server must carry, when it is not the one in the address. */
  readonly serverName: string | undefined
  /** False only where a person asked for it. */
  readonly verify: boolean
}

/** How a server is to be spoken to. */
export interface Access {
  /** `Authorization`, `X-Scope-OrgID`: asked for before each request. */
  headers(): Readonly<Record<string, string>>
  /** Asked for before each request; undefined: TLS as Node does it. */
  tls(): TlsMaterial | undefined
}

export const openAccess: Access = { headers: () => ({}), tls: () => undefined }

export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly form?: URLSearchParams
  readonly timeoutMs: number
  /** Largest answer taken. */
  readonly bytesMax: number
}

export interface HttpAnswer {
  readonly status: number
  header(name: string): string | null
  readonly text: string
}

export type HttpErrorCode = 'unreachable' | 'timeout' | 'too_large'

export class HttpError extends Error {
  readonly code: HttpErrorCode
  constructor(code: HttpErrorCode, detail: string, cause?: unknown) {
    super(detail, { cause })
    this.name = 'HttpError'
    this.code = code
  }
}

/** Throws HttpError, what `access` throws, and the signal's reason once it is aborted. */
export type Exchange = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>

export function createExchange(access: Access): Exchange {
  const dispatcherOf = dispatchers()
  return async (request, signal) => {
    signal.throwIfAborted()
    const own = access.headers()
    const headers = { ...request.headers, ...own }
    const dispatcher = dispatcherOf(access.tls())
    const bounded = deadline(request.timeoutMs, signal)
    try {
      const { method, form } = request
      const body = form ?? null
      const response = await fetch(request.url, { method, headers, body, redirect: 'manual', signal: bounded.signal, dispatcher })
      const text = await readBounded(response.body ?? [], request.bytesMax)
      const said = response.ok ? text : withoutCredentials(text, own.authorization)
      return { status: response.status, header: (name) => response.headers.get(name), text: said }
    } catch (cause) {
      signal.throwIfAborted()
      if (cause instanceof HttpError) throw cause
      if (bounded.expired()) throw new HttpError('timeout', `${request.timeoutMs} ms`, cause)
      throw new HttpError('unreachable', rootMessage(cause), cause)
    } finally {
      bounded.end()
    }
  }
}

/** A refusal is told in the log, and servers and proxies have been seen to say back what they were shown. */
function withoutCredentials(text: string, authorization: string | undefined): string {
  const secret = authorization?.replace(/^\S+ /, '')
  return secret ? text.replaceAll(secret, '[secret]') : text
}

/** The connections of the certificates in force; those of older ones are closed once idle. */
function dispatchers(): (tls: TlsMaterial | undefined) => Agent {
  let inForce: { readonly digest: string; readonly agent: Agent } | undefined
  return (tls) => {
    const digest = createHash('sha256')
      .update(JSON.stringify(tls ?? null))
      .digest('base64')
    if (inForce?.digest === digest) return inForce.agent
    // Closing waits for the requests on them, and nobody waits for that.
    void inForce?.agent.close()
    inForce = { digest, agent: new Agent(tls ? { connect: connectOptions(tls) } : {}) }
    return inForce.agent
  }
}

function connectOptions({ ca, cert, key, serverName, verify }: TlsMaterial) {
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { servername: serverName }),
    rejectUnauthorized: verify,
  }
}

/**
 * A signal that fires with the other one or after the time. The timer and the listener are taken back afterwards: `AbortSignal.any`
 * on a signal that lives as long as the process keeps a little memory for each request on Node 20.
 */
function deadline(timeoutMs: number, signal: AbortSignal) {
  const request = new AbortController()
  let timedOut = false
  const cancel = () => request.abort(signal.reason)
  signal.addEventListener('abort', cancel, { once: true })
  const timer = setTimeout(() => {
    timedOut = true
    request.abort()
  }, timeoutMs)
  return {
    signal: request.signal,
    expired: () => timedOut,
    end: () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', cancel)
    },
  }
}

async function readBounded(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new HttpError('too_large', `over ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes).toString('utf8')
}

/** `fetch` says only "fetch failed"; what failed is in the causes. */
function rootMessage(error: unknown): string {
  let root = error
  while (root instanceof Error && root.cause) root = root.cause
  if (!(root instanceof Error)) return String(root)
  return root.message || ((root as NodeJS.ErrnoException).code ?? root.name)
}
