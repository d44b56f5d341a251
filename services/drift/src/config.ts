/** The drift service's section of the configuration. */
import { driftDetectorNames } from '@lapwing/detection/drift-detector'
import { duration } from '@lapwing/service/config-fields'
import { z } from 'zod'

export const driftSchema = z
  .strictObject({
    port: z.int().min(0).max(65535).default(8083),
    /** Off: the service runs and asks for nothing. */
    enabled: z.boolean().default(true),
    detector: z.enum(driftDetectorNames).default('adwin'),
    /** Bound of ADWIN's false-alarm probability per test. */
    delta: z.number().gt(0, 'expected a probability above 0').lt(1, 'expected a probability below 1').default(0.002),
    /** Time after a request during which the same entity asks for nothing. */
    cooldown: duration().prefault('6h'),
    /** Requests of one entity: what false alarms may cost. */
    requests_per_week: z.number().min(1, 'expected at least 1 a week').default(7),
    /** Scored samples of an entity after which it asks without drift; 0 for never. */
    after_samples: z.int().min(0).default(0),
    /** Series a partition watches; the scores of further ones are counted and left out. */
    max_series_per_partition: z.int().min(1).default(50_000),
    /** A series that brings no score for so long is forgotten; a young one earlier. */
    forget_after: duration(3_600_000).prefault('14d'),
    /** Between two checkpoints of a partition's windows. */
    checkpoint_interval: duration(100).prefault('30s'),
  })
  .prefault({})

export type DriftConfig = z.output<typeof driftSchema>
