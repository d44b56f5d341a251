/** Section `scrape_configs`: the part of Prometheus' own section of that name that a machine without a Prometheus needs. */

import { accessSchema } from '@lapwing/prometheus/access-settings'
import { duration } from '@lapwing/service/config-fields'
import { z } from 'zod'

const address = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^\s:/[\]]+):\d{1,5}$/, 'expected host:port')

/** Targets with labels of their own; the form of a file of `file_sd_configs` is a list of these. */
export const targetGroup = z.strictObject({
  targets: z.array(address),
  labels: z.record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'expected a label name'), z.string()).default({}),
})
export type TargetGroup = z.output<typeof targetGroup>

const filePattern = z
  .string()
  .regex(
    /^([^*]*\/)?[^*/]*\*?[^*/]*\.(json|ya?ml)$/,
    'expected a .json, .yml or .yaml file; the last part of its path may have one *',
  )

export const scrapeConfig = z.strictObject({
  job_name: z.string().min(1),
  scrape_interval: duration(1000).prefault('15s'),
  scrape_timeout: duration(100).prefault('10s'),
  metrics_path: z.string().startsWith('/', 'expected a path that begins with /').default('/metrics'),
  scheme: z.enum(['http', 'https']).default('http'),
  static_configs: z.array(targetGroup).default([]),
  file_sd_configs: z
    .array(z.strictObject({ files: z.array(filePattern).min(1), refresh_interval: duration(1000).prefault('30s') }))
    .default([]),
  /** Credentials and certificates for the targets. */
  access: accessSchema.prefault({}),
})
export type ScrapeConfig = z.output<typeof scrapeConfig>

export const scrapeConfigs = z
  .array(scrapeConfig)
  .refine(
    (configs) => new Set(configs.map((config) => config.job_name)).size === configs.length,
    'expected a job_name of its own for each',
  )
