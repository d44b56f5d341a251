/**
 * How a server is spoken to, as people configure it: bearer or basic, tenant, certificates. Secrets may stand in files, which are
 * read anew for each request, so that a rotated one needs no restart.
 */

import { readableFile, secret } from '@lapwing/service/config-fields'
import { z } from 'zod'
import type { Access, TlsMaterial } from './http-exchange.ts'
import { rotatingFile } from './rotating-file.ts'

export const basicAuth = z
  .strictObject({ username: z.string().min(1), password: secret().optional(), password_file: readableFile().optional() })
  .refine(({ password, password_file }) => (password === undefined) !== (password_file === undefined), {
    message: 'expected password or password_file',
  })

const tls = z
  .strictObject({
    ca_file: readableFile().optional(),
    cert_file: readableFile().optional(),
    key_file: readableFile().optional(),
    server_name: z.string().min(1).optional(),
    insecure_skip_verify: z.boolean().default(false),
  })
  .refine(({ cert_file, key_file }) => (cert_file === undefined) === (key_file === undefined), {
    message: 'expected cert_file and key_file together',
  })

/** Keys as in Prometheus' own `http_config`. */
export const accessSchema = z
  .strictObject({
    bearer_token: secret().optional(),
    bearer_token_file: readableFile().optional(),
    basic_auth: basicAuth.optional(),
    /** Sent as `X-Scope-OrgID` (Mimir, Cortex, Thanos). */
    tenant: z.string().min(1).optional(),
    tls: tls.optional(),
  })
  .refine(
    ({ bearer_token, bearer_token_file, basic_auth }) =>
      [bearer_token, bearer_token_file, basic_auth].filter((way) => way !== undefined).length <= 1,
    { message: 'expected only one of bearer_token, bearer_token_file and basic_auth' },
  )

export type AccessSettings = z.output<typeof accessSchema>

export function accessOf(settings: AccessSettings): Access {
  const authorization = authorizationOf(settings)
  const files = new Map<string, () => string>()
  const read = (path: string | undefined) => {
    if (path === undefined) return undefined
    if (!files.has(path)) files.set(path, rotatingFile(path))
    return files.get(path)!()
  }
  return {
    headers: () => {
      const value = authorization()
      return { ...(value && { authorization: value }), ...(settings.tenant && { 'x-scope-orgid': settings.tenant }) }
    },
    tls: (): TlsMaterial | undefined =>
      settings.tls && {
        ca: read(settings.tls.ca_file),
        cert: read(settings.tls.cert_file),
        key: read(settings.tls.key_file),
        serverName: settings.tls.server_name,
        verify: !settings.tls.insecure_skip_verify,
      },
  }
}

function authorizationOf({ bearer_token, bearer_token_file, basic_auth }: AccessSettings): () => string | undefined {
  if (bearer_token) return () => `Bearer ${bearer_token.reveal()}`
  if (bearer_token_file) {
    const token = rotatingFile(bearer_token_file)
    return () => `Bearer ${token().trim()}`
  }
  if (!basic_auth) return () => undefined
  const { username, password, password_file } = basic_auth
  const fromFile = password_file === undefined ? undefined : rotatingFile(password_file)
  return () => {
    const secretText = password?.reveal() ?? fromFile?.().replace(/\r?\n$/, '') ?? ''
    return `Basic ${Buffer.from(`${username}:${secretText}`).toString('base64')}`
  }
}
