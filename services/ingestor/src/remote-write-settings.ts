/** Section `remote_write`: who may push, how much, and what of it is taken. */
import { duration } from '@lapwing/service/config-fields'
import { z } from 'zod'
import { pushTlsSchema } from './push-listener.ts'
import { writeAccessSchema } from './write-access.ts'
import { writeLimitsSchema } from './write-limits.ts'

const labelName = z.string().min(1)

/** Prometheus servers that send the same: one of them is listened to. Names as in Cortex and Mimir. */
const highAvailability = z.strictObject({
  enabled: z.boolean().default(true),
  cluster_label: labelName.default('cluster'),
  replica_label: labelName.default('__replica__'),
  /** Silence of the one listened to after which it is another; it is made known to the other ingestors twice in this time. */
  failover_timeout: duration(2000).prefault('30s'),
})

export const remoteWriteSchema = z.strictObject({
  enabled: z.boolean().default(true),
  ...writeAccessSchema,
  /** Set: samples are taken over TLS only, on a port of its own. */
  tls: pushTlsSchema.optional(),
  ha: highAvailability.prefault({}),
  /** Label that the tenant of a request becomes. */
  tenant_label: labelName.default('tenant'),
  limits: writeLimitsSchema.prefault({}),
})
