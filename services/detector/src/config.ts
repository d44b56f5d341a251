/** The detector's section of the configuration. */
import { duration } from '@lapwing/service/config-fields'
import { z } from 'zod'

export const detectorSchema = z
  .strictObject({
    port: z.int().min(0).max(65535).default(8082),
    /** Time constant of what counts as recent, in minutes. */
    window_minutes: z.number().min(1, 'expected at least 1 minute').max(10_080, 'expected at most a week').default(60),
    /** Share of samples that may count as isolated. */
    contamination: z
      .number()
      .min(0.0001, 'expected a share of at least 0.0001')
      .max(0.5, 'expected a share of at most 0.5')
      .default(0.01),
    /** Where models on disk are; batch models are kept on the log. */
    model_path: z.string().default(''),
    /** Series a partition takes; further ones are counted and shown as dropped. */
    max_series_per_partition: z.int().min(1).default(50_000),
    /** Between two checkpoints of a partition's models. */
    checkpoint_interval: duration(100).prefault('30s'),
  })
  .prefault({})

export type DetectorConfig = z.output<typeof detectorSchema>
