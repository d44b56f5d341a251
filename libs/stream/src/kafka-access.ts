/** Encryption and login towards the brokers, from the settings that people write. */
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import type { SASLOptions } from 'kafkajs'

/** What kafkajs takes. */
export interface KafkaAccess {
  readonly ssl?: ConnectionOptions
  readonly sasl?: SASLOptions
}

/** The settings, typed by shape, because this library does not know services. */
export interface KafkaAccessSettings {
  readonly tls?:
    | { readonly ca_file?: string | undefined; readonly cert_file?: string | undefined; readonly key_file?: string | undefined }
    | undefined
  readonly sasl?:
    | {
        readonly mechanism: 'scram-sha-512' | 'scram-sha-256' | 'plain'
        readonly username: string
        readonly password?: { reveal(): string } | undefined
        readonly password_file?: string | undefined
      }
    | undefined
}

/** Below 1.2 nothing is left that keeps a secret. */
const leastTls = 'TLSv1.2'

/** Files are read now: a connection that is made later uses what stood in them at the start. Throws what reading a file throws. */
export function accessOf({ tls, sasl }: KafkaAccessSettings): KafkaAccess {
  return { ...(tls && { ssl: sslOf(tls) }), ...(sasl && { sasl: loginOf(sasl) }) }
}

function sslOf({ ca_file, cert_file, key_file }: NonNullable<KafkaAccessSettings['tls']>): ConnectionOptions {
  return {
    minVersion: leastTls,
    rejectUnauthorized: true,
    ...(ca_file && { ca: readFileSync(ca_file, 'utf8') }),
    ...(cert_file && { cert: readFileSync(cert_file, 'utf8') }),
    ...(key_file && { key: readFileSync(key_file, 'utf8') }),
  }
}

function loginOf({ mechanism, username, password, password_file }: NonNullable<KafkaAccessSettings['sasl']>): SASLOptions {
  const text = password_file ? readFileSync(password_file, 'utf8').replace(/\r?\n$/, '') : (password?.reveal() ?? '')
  return { mechanism, username, password: text } as SASLOptions
}
