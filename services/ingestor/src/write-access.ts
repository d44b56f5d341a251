/**
 * Who may push: whoever shows one of the configured credentials, or anybody when there are none.
 *
 * What is shown and what is expected are compared as digests of equal length and in constant time, so that neither length nor beginning
 * of a secret can be guessed from how long an answer takes. All expected ones are looked at each time.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { secret } from '@lapwing/service/config-fields'
import { z } from 'zod'

/** Keys as in Prometheus' own `http_config`. */
export const writeAccessSchema = {
  bearer_token: secret().optional(),
  basic_auth: z.strictObject({ username: z.string().min(1), password: secret() }).optional(),
}

interface WriteAccess {
  readonly bearer_token?: { reveal(): string } | undefined
  readonly basic_auth?: { readonly username: string; readonly password: { reveal(): string } } | undefined
}

/** Judges the `authorization` header of a request. */
export function createWriteAccess({
  bearer_token: token,
  basic_auth: basic,
}: WriteAccess): (shown: string | undefined) => boolean {
  const expected: Buffer[] = []
  if (token) expected.push(digest(`bearer ${token.reveal()}`))
  if (basic) {
    expected.push(digest(`basic ${Buffer.from(`${basic.username}:${basic.password.reveal()}`).toString('base64')}`))
  }
  return (shown = '') => {
    if (expected.length === 0) return true
    // The name of a scheme may be written in any case.
    const found = digest(shown.replace(/^(bearer|basic) +/i, (scheme) => `${scheme.trim().toLowerCase()} `))
    return expected.map((each) => timingSafeEqual(each, found)).includes(true)
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
