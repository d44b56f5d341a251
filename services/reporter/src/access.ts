/**
 * Who may read and who may write over HTTP.
 *
 * Evaluating PromQL uses the credentials that Lapwing has for Prometheus: with tokens it is reading, without them it is for this machine only, as writing is.
 *
 * With tokens each request needs one that has the scope, as `Authorization: Bearer …` or, for the page, in a cookie that no script can read. Without tokens
 * reading is open, and writing is for this machine only: it is refused unless the service listens on the loopback address and is asked by that
 * name, so that a page of strangers that resolves to it (DNS rebinding) cannot write. A browser's request must come from the service's own page in any case.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AccessToken, Scope } from './config.ts'

/** What a request wants to do. */
export type Use = Scope | 'evaluate'

export interface Access {
  /** Whether reading needs a token. */
  readonly needsToken: boolean
  /** Why the request is refused, or the name that its token goes by; empty without tokens. */
  check(request: FastifyRequest, scope: Use): { readonly name: string } | Refusal
  /** The token with this text, if there is one. */
  find(text: string): AccessToken | undefined
}

export interface Refusal {
  readonly status: 401 | 403
  readonly why: string
}

/** @param host that the service listens on */
export function createAccess(tokens: readonly AccessToken[], host: string): Access {
  const known = tokens.map((token) => ({ token, digest: digest(token.token.reveal()) }))
  const find = (text: string) => known.find((one) => timingSafeEqual(one.digest, digest(text)))?.token
  return {
    needsToken: tokens.length > 0,
    find,
    check: (request, use) => {
      const scope = use === 'evaluate' ? 'read' : use
      if (scope === 'write' && isFromElsewhere(request)) return { status: 403, why: 'a browser may write from this page only' }
      if (tokens.length === 0) return use === 'read' ? { name: '' } : withoutTokens(request, host, use)
      const text = tokenText(request)
      const token = text === undefined ? undefined : find(text)
      if (!token) return { status: 401, why: text === undefined ? 'a token is needed' : 'the token is not known' }
      if (!token.scopes.includes(scope)) return { status: 403, why: `the token ${token.name} has no scope ${scope}` }
      return { name: token.name }
    },
  }
}

/** Answers a refusal. */
export function refuse(reply: FastifyReply, { status, why }: Refusal): FastifyReply {
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="lapwing"')
  return reply.code(status).send({ error: why })
}

export const tokenCookie = 'lapwing_token'

function withoutTokens({ headers }: FastifyRequest, host: string, use: Use): { name: string } | Refusal {
  const asked = URL.canParse(`http://${headers.host}`) ? new URL(`http://${headers.host}`).hostname : ''
  if (isLoopback(host) && isLoopback(asked)) return { name: '' }
  return {
    status: 403,
    why: `${use === 'write' ? 'writing' : 'evaluating PromQL'} over the network needs a token: set reporter.tokens`,
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** Browsers tell where a request comes from, other programs do not. */
function isFromElsewhere({ headers }: FastifyRequest): boolean {
  const { origin, host } = headers
  if (origin === undefined) return false
  return !URL.canParse(origin) || new URL(origin).host !== host
}

function tokenText({ headers }: FastifyRequest): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
  if (bearer !== undefined) return bearer
  const cookie = (headers.cookie ?? '').split(/; */).find((one) => one.startsWith(`${tokenCookie}=`))
  return cookie && decodeURIComponent(cookie.slice(tokenCookie.length + 1))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
