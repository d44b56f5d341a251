/** Addresses that are secrets themselves, because whoever has them may post. */
import type { Secret } from '@lapwing/service/config-fields'

/** Throws for what is no http or https address, without showing it. */
export function secretAddress(setting: string, address: Secret): URL {
  const text = address.reveal()
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text)
  throw new Error(`${setting}: expected an http or https address; what is set is not shown because it is a secret`)
}
