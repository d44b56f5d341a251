/**
 * How a query is written in a configuration or a preset: a PromQL text, or an object with a name and a policy.
 *
 * The ingestor asks what stands here; the detector judges by the policy that stands under the same name. Both read the same file.
 */
import { z } from 'zod'
import { isPlainSelector } from './promql.ts'

/** The presets there are: each a file in `presets/`. */
export const presetNames = ['node-exporter', 'kubernetes', 'http-red', 'jvm', 'kafka', 'lapwing', 'anomaly-name'] as const
export type PresetName = (typeof presetNames)[number]

const queryObject = z
  .strictObject({
    /** Name of a series without a metric name, and source of the batches. */
    name: z
      .string()
      .regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/, 'expected a metric name: letters, digits, _ and :, not beginning with a digit')
      .optional(),
    query: z.string('expected PromQL').trim().min(1, 'expected PromQL'),
    /** `evaluated`: the value at each step. `scraped`: the samples as they were scraped, for a plain selector. */
    samples: z.enum(['evaluated', 'scraped']).default('evaluated'),
    /** Unit of the values, for people: `bytes`, `seconds`, `ratio` … */
    unit: z.string().min(1).optional(),
    /** Which way a value must leave its band to matter. */
    direction: z.enum(['up', 'down', 'both']).default('both'),
    /** Least distance from the expected value that matters, in the unit of the query. */
    min_deviation: z.number().min(0, 'expected at least 0').default(0),
    /** The same as a share of the expected value. */
    min_relative_deviation: z.number().min(0, 'expected at least 0').default(0),
  })
  .refine(({ samples, query }) => samples === 'evaluated' || isPlainSelector(query), {
    path: ['samples'],
    message: 'expected evaluated: scraped samples can be had of one selector only, such as up{job="shop"}',
  })

/** One query; a bare text is its PromQL. */
export const querySetting = z.preprocess((entry) => (typeof entry === 'string' ? { query: entry } : entry), queryObject)
export type QuerySetting = z.output<typeof querySetting>

/** The keys of section `ingestor` that say what is asked. */
export const queryKeys = {
  metrics: z.array(querySetting).optional(),
  presets: z.array(z.enum(presetNames, `expected one of ${presetNames.join(', ')}`)).optional(),
} as const
