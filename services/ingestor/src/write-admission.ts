/**
 * What can be said of a remote-write request at its headers: who sends it, as whom, in which format, and whether it may come now.
 *
 * Over the rate is 429 with Retry-After. A Prometheus with `retry_on_http_429` keeps the samples and waits; one without drops them, which
 * is what its owner chose. 503 would make every sender repeat what it was told is too much.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { WriteVersion } from '@lapwing/prometheus/remote-write-decoder'
import type { WriteLimit } from './metrics.ts'
import type { WriteSender } from './write-access.ts'
import { writeFormat } from './write-format.ts'
import type { LimitsOf, SenderLimits } from './write-limits.ts'
import { isTenantName, tenantHeader } from './write-tenant.ts'

export interface AdmissionRules {
  /** Who shows this `authorization` header; undefined: nobody who may push. */
  senderOf(authorization: string | undefined): WriteSender | undefined
  readonly limitsOf: LimitsOf
  readonly tlsOnly: boolean
}

export interface WriteHeaders {
  readonly headers: IncomingHttpHeaders
  readonly address: string
  readonly encrypted: boolean
}

export interface AdmittedWrite {
  readonly version: WriteVersion
  /** Empty: none. */
  readonly tenant: string
  readonly limits: SenderLimits
}

export interface RefusedWrite {
  readonly status: number
  readonly message: string
  readonly limit?: WriteLimit
  readonly retryAfterMs?: number
}

export function admitWrite(
  { headers, address, encrypted }: WriteHeaders,
  rules: AdmissionRules,
  nowMs: number,
): AdmittedWrite | RefusedWrite {
  if (rules.tlsOnly && !encrypted) return { status: 403, message: 'expected TLS, on the port of remote_write.tls' }
  const sender = rules.senderOf(headers.authorization)
  if (!sender) return { status: 401, message: 'expected the credentials of remote_write' }
  const format = writeFormat(headers)
  if ('problem' in format) return { status: 415, message: format.problem }
  const tenant = sender.tenant ?? String(headers[tenantHeader] ?? '')
  if (tenant !== '' && !isTenantName(tenant))
    return { status: 400, message: `expected one tenant of letters, digits and !-_.*'() in ${tenantHeader}, at most 150` }
  const limits = rules.limitsOf(tenant, sender.name ?? address)
  const refusal = overSize(limits, Number(headers['content-length'] ?? 0)) ?? overRate(limits, nowMs)
  return refusal ?? { version: format.version, tenant, limits }
}

export function overSize({ requestBytes }: SenderLimits, bytes: number): RefusedWrite | undefined {
  if (bytes <= requestBytes) return undefined
  return { status: 413, message: `${bytes} bytes, at most ${requestBytes} (request_bytes)`, limit: 'request_bytes' }
}

export function overRate(limits: SenderLimits, nowMs: number): RefusedWrite | undefined {
  const retryAfterMs = limits.waitMs(nowMs)
  if (retryAfterMs === 0) return undefined
  return { status: 429, message: 'more samples than samples_per_second allows', limit: 'samples_per_second', retryAfterMs }
}
