/** The detector's section of the configuration. */
import { dayMs } from '@lapwing/detection/forgetting'
import { sensitivities } from '@lapwing/queries/detector-settings'
import { queryKeys } from '@lapwing/queries/query-settings'
import { duration, timeZone } from '@lapwing/service/config-fields'
import { z } from 'zod'

export const detectorSchema = z
  .strictObject({
    port: z.int().min(0).max(65535).default(8082),
    /** Time constant of what counts as recent, in minutes. */
    window_minutes: z.number().min(1, 'expected at least 1 minute').max(10_080, 'expected at most a week').default(60),
    /** How often a series without fault may open an episode: about 2 a week, 1 a week, 1 in two months. */
    sensitivity: z.enum(sensitivities).default('balanced'),
    /** The same as a number of episodes a week; wins over `sensitivity`. */
    false_alarms_per_week: z.number().min(0.01, 'expected at least 0.01 a week').max(20, 'expected at most 20 a week').optional(),
    /** Zone whose hours and weekdays the seasons follow. */
    time_zone: timeZone().default('UTC'),
    /** Share of its time that a series may spend inside of episodes; above it, only what is news keeps one open. */
    contamination: z
      .number()
      .min(0.0001, 'expected a share of at least 0.0001')
      .max(0.5, 'expected a share of at most 0.5')
      .default(0.01),
    /** Where models on disk are; batch models are kept on the log. */
    model_path: z.string().default(''),
    /** Series a partition takes; further ones are counted and shown as dropped. */
    max_series_per_partition: z.int().min(1).default(50_000),
    /** Longest time that a series is remembered after its last sample; no longer than it was known before, and at least a day. */
    forget_after: duration(dayMs).prefault('14d'),
    /** Between two checkpoints of a partition's models. */
    checkpoint_interval: duration(100).prefault('30s'),
  })
  .prefault({})

/** What it reads of section `ingestor`: the queries, for their policies. */
export const watchedQueries = z.object(queryKeys).prefault({})

export type DetectorConfig = z.output<typeof detectorSchema>
