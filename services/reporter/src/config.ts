/**
 * Section `reporter` of the configuration.
 *
 * Memory for the charts is bounded by `max_series` x `points_per_series` x 34 bytes, 272 MB with the defaults; a series takes it
 * as its points arrive.
 */
import { duration, httpUrl, secret } from '@lapwing/service/config-fields'
import { z } from 'zod'
import { reportsSchema } from './reports/report-settings.ts'

const shortestToken = 16

const scopes = ['read', 'write'] as const
export type Scope = (typeof scopes)[number]

/** A token of the HTTP API; its name stands as the author of what is written with it. */
const tokenSchema = z.strictObject({
  name: z.string().min(1),
  token: secret().refine((token) => token.reveal().length >= shortestToken, {
    error: `expected at least ${shortestToken} characters`,
    params: { secret: true },
  }),
  scopes: z.array(z.enum(scopes)).min(1).default(['read']),
})
export type AccessToken = z.output<typeof tokenSchema>

export const reporterSchema = z
  .strictObject({
    port: z.int().min(0).max(65535).default(8080),
    /** Folder of the history database. Unset: in memory, rebuilt from the log at each start, which holds 35 days as well. */
    data_dir: z.string().min(1).optional(),
    /** Address of a PostgreSQL database for the history instead, shared by several replicas. */
    postgres_url: secret().optional(),
    points_per_series: z.int().min(10).max(100_000).default(2000),
    max_series: z.int().min(1).max(100_000).default(4000),
    /** Most series whose scores and bands are metrics, at /metrics/scores; 0: none. */
    score_metrics_max_series: z.int().min(0).max(100_000).default(1000),
    /** Where scores and bands are written to by remote write, as they come. Empty: nowhere. */
    remote_write_url: z.preprocess((text) => (text === '' ? undefined : text), httpUrl().optional()),
    remote_write_bearer_token: secret().prefault(''),
    retention: duration(60_000).prefault('35d'),
    /** Who may use the HTTP API; without any, reading is open and writing is for this machine only. */
    tokens: z.array(tokenSchema).default([]),
    /** File to which a row is appended for each anomaly record. Empty or unset: none. */
    output_csv: z.string().default(''),
    /** Reports on a schedule. */
    reports: reportsSchema,
  })
  .refine(({ data_dir, postgres_url }) => !(data_dir && postgres_url), {
    error: 'expected the history in one place: postgres_url is set too',
    // Not the other, whose value would be shown.
    path: ['data_dir'],
  })
  .prefault({})
