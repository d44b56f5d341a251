/** The client for the Prometheus of the configuration. */

import { accessOf } from '@lapwing/prometheus/access-settings'
import { createQueryClient, type QueryClient } from '@lapwing/prometheus/query-client'
import type { z } from 'zod'
import type { ingestorSchema } from './config.ts'

export type IngestorSettings = z.output<typeof ingestorSchema>

/** @param url of the configuration, which a caller has made sure is there */
export function prometheusClient(url: string, settings: IngestorSettings): QueryClient {
  return createQueryClient({
    url,
    timeoutMs: settings.query_timeout.ms,
    access: accessOf({ bearer_token: settings.prometheus_bearer_token, ...settings.prometheus_access }),
  })
}
