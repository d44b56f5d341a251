/** What the explorer reads of the sections of others: the Prometheus that the ingestor polls, its queries, and how the detector judges. */
import { accessSchema } from '@lapwing/prometheus/access-settings'
import { sensitivities } from '@lapwing/queries/detector-settings'
import { queryKeys } from '@lapwing/queries/query-settings'
import { duration, httpUrl, secret } from '@lapwing/service/config-fields'
import { z } from 'zod'

/** A file of credentials need not be where the reporter runs: then the explorer says so, and everything else goes on. */
const accessHere = accessSchema.or(z.unknown().transform(() => 'unreadable' as const))

export const exploredIngestor = z
  .looseObject({
    prometheus_url: z.preprocess((text) => (text === '' ? undefined : text), httpUrl().optional()),
    prometheus_bearer_token: secret().optional(),
    prometheus_access: accessHere.prefault({}),
    ...queryKeys,
    step: duration(1000).prefault('15s'),
    query_timeout: duration(100).prefault('30s'),
  })
  .prefault({})

export const exploredDetector = z
  .looseObject({
    window_minutes: z.number().default(60),
    sensitivity: z.enum(sensitivities).default('balanced'),
    false_alarms_per_week: z.number().optional(),
    time_zone: z.string().default('UTC'),
    contamination: z.number().default(0.01),
  })
  .prefault({})

/** Sections that are known beside the reporter's own; without `ingestor` there is no Prometheus to ask. */
export interface ExploredSections {
  readonly ingestor?: z.output<typeof exploredIngestor>
  readonly detector?: z.output<typeof exploredDetector>
}
