/**
 * Who may push: whoever shows one of the configured credentials, or anybody when there are none.
 *
 * What is shown and what is expected are compared as digests of equal length and in constant time, so that neither length nor beginning
 * of a secret can be guessed from how long an answer takes. All expected ones are looked at each time. Secrets in files are read anew for
 * each request, so that a rotated one needs no restart; an empty one lets nobody in.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { basicAuth } from '@lapwing/prometheus/access-settings'
import { rotatingFile } from '@lapwing/prometheus/rotating-file'
import { readableFile, secret } from '@lapwing/service/config-fields'
import { z } from 'zod'
import { tenantName } from './write-tenant.ts'

/** Keys as in Prometheus' own `http_config`. */
const ways = z.strictObject({
  bearer_token: secret().optional(),
  bearer_token_file: readableFile().optional(),
  basic_auth: basicAuth.optional(),
})

type WaysIn = z.output<typeof ways>

const credential = z
  .strictObject({
    ...ways.shape,
    /** What its limits are counted under; unset: the user name, or its place in the list. */
    name: z.string().min(1).optional(),
    /** Whoever shows it is this tenant, whatever the request says. */
    tenant: tenantName.optional(),
  })
  .refine((one) => waysOf(one).length === 1, { message: 'expected one of bearer_token, bearer_token_file and basic_auth' })
type Credential = z.output<typeof credential>

export const writeAccessSchema = { ...ways.shape, credentials: z.array(credential).max(1000).default([]) }

interface WriteAccess extends WaysIn {
  readonly credentials: readonly Credential[]
}

/** Who shows a credential. */
export interface WriteSender {
  /** Name of the credential; undefined where none is needed. */
  readonly name: string | undefined
  /** undefined: whichever the request names. */
  readonly tenant: string | undefined
}

const anybody: WriteSender = { name: undefined, tenant: undefined }

/** Judges the `authorization` header of a request; undefined: not let in. */
export function createWriteAccess({
  credentials,
  ...short
}: WriteAccess): (shown: string | undefined) => WriteSender | undefined {
  const expected = [short, ...credentials].flatMap((one, place) =>
    waysOf(one).map((header) => ({ header, ...senderOf(one, place) })),
  )
  return (shown = '') => {
    if (expected.length === 0) return anybody
    // The name of a scheme may be written in any case.
    const found = digest(shown.replace(/^(bearer|basic) +/i, (scheme) => `${scheme.trim().toLowerCase()} `))
    const equal = expected.map(({ header }) => {
      const text = header()
      return timingSafeEqual(digest(text ?? ''), found) && text !== undefined
    })
    return expected[equal.indexOf(true)]
  }
}

function senderOf({ basic_auth, name, tenant }: Partial<Credential>, place: number): WriteSender {
  return { name: name ?? basic_auth?.username ?? `credential-${place}`, tenant }
}

/** The headers that a credential is shown as; undefined while its secret is empty. */
function waysOf({ bearer_token, bearer_token_file, basic_auth }: WaysIn): (() => string | undefined)[] {
  const shown: (() => string | undefined)[] = []
  if (bearer_token) shown.push(() => bearer(bearer_token.reveal()))
  if (bearer_token_file) {
    const file = rotatingFile(bearer_token_file)
    shown.push(() => bearer(file().trim()))
  }
  if (basic_auth) {
    const { username, password, password_file } = basic_auth
    const file = password_file === undefined ? undefined : rotatingFile(password_file)
    shown.push(() => basic(username, password?.reveal() ?? file?.().replace(/\r?\n$/, '') ?? ''))
  }
  return shown
}

function bearer(token: string): string | undefined {
  return token === '' ? undefined : `bearer ${token}`
}

function basic(username: string, password: string): string | undefined {
  return password === '' ? undefined : `basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
