/**
 * Section `reporter` of the configuration.
 *
 * Memory for the charts is bounded by `max_series` x `points_per_series` x 34 bytes, 272 MB with the defaults; a series takes it
 * as its points arrive.
 */
import { duration } from '@lapwing/service/config-fields'
import { z } from 'zod'
import { reportsSchema } from './reports/report-settings.ts'

export const reporterSchema = z
  .strictObject({
    port: z.int().min(0).max(65535).default(8080),
    /** Folder of the history database. Unset: in memory, rebuilt from the log at each start, which holds 35 days as well. */
    data_dir: z.string().min(1).optional(),
    points_per_series: z.int().min(10).max(100_000).default(2000),
    max_series: z.int().min(1).max(100_000).default(4000),
    /** Most series whose scores and bands are metrics, at /metrics/scores; 0: none. */
    score_metrics_max_series: z.int().min(0).max(100_000).default(1000),
    retention: duration(60_000).prefault('35d'),
    /** File to which a row is appended for each anomaly record. Empty or unset: none. */
    output_csv: z.string().default(''),
    /** Reports on a schedule. */
    reports: reportsSchema,
  })
  .prefault({})
