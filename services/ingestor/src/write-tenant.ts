/** Names of tenants, as Cortex and Mimir take them: what they refuse is refused here too, so that a name means the same everywhere. */
import { z } from 'zod'

const form = /^[a-zA-Z0-9!\-_.*'()]{1,150}$/

export const tenantName = z.string().regex(form, "expected a tenant of letters, digits and !-_.*'(), at most 150")

/** Header in which a sender names its tenant. */
export const tenantHeader = 'x-scope-orgid'

export function isTenantName(text: string): boolean {
  return form.test(text) && text !== '.' && text !== '..'
}
