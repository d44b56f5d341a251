/**
 * Section `ingestor` of the configuration.
 *
 * Nothing is polled unless `prometheus_url` is set, nothing scraped unless `scrape_configs` says so; remote write is open unless it is switched off, so that an empty file is
 * a working receiver.
 */

import { accessSchema } from '@lapwing/prometheus/access-settings'
import { queryKeys } from '@lapwing/queries/query-settings'
import { duration, httpUrl, secret } from '@lapwing/service/config-fields'
import { z } from 'zod'
import { relabelConfigs } from './relabel-settings.ts'
import { remoteWriteSchema } from './remote-write-settings.ts'
import { scrapeConfigs } from './scrape/scrape-settings.ts'

export const ingestorSchema = z
  .strictObject({
    port: z.int().min(0).max(65535).default(8081),
    /** Address of a Prometheus to poll, without `/api/v1`. Empty or unset: none. */
    prometheus_url: z.preprocess((text) => (text === '' ? undefined : text), httpUrl().optional()),
    /** Short for `prometheus_access.bearer_token`. */
    prometheus_bearer_token: secret().optional(),
    /** Credentials and certificates for it. */
    prometheus_access: accessSchema.prefault({}),
    /** What is polled: `metrics` (PromQL, with or without a policy) and `presets`. */
    ...queryKeys,
    /** Distance between two evaluations of a query. */
    step: duration(1000).prefault('15s'),
    /** Least time between two requests for a query; longer than a step, each brings several. */
    poll_interval: duration(1000).prefault('15s'),
    /** How far to stay behind now, so that late scrapes are in: a scrape may take 10 s unless Prometheus is told otherwise. */
    lateness: duration(0).prefault('10s'),
    /** How much of the past a new query is warmed up with. */
    history: duration(0).prefault('6h'),
    /** Longest gap in a fetched range that is filled and marked as imputed. */
    max_gap_fill: duration(0).prefault('1m'),
    /** Labels that make an entity: series that share them are scored in one place. */
    entity_by: z.array(z.string().min(1)).min(1).default(['instance']),
    query_timeout: duration(100).prefault('30s'),
    /** Requests at a time; Prometheus itself runs 20 unless told otherwise. */
    query_concurrency: z.int().min(1).max(100).default(4),
    /** Most labels of a series; over one of these limits its samples are dropped and counted, and other series go on. */
    label_limit: z.int().min(1).max(1000).default(64),
    label_name_length_limit: z.int().min(1).max(10_000).default(512),
    label_value_length_limit: z.int().min(1).max(10_000).default(4096),
    /** `/metrics` pages to scrape, for a machine without a Prometheus. */
    scrape_configs: scrapeConfigs.default([]),
    /** What is done to the labels of every series, whichever way it comes in. */
    metric_relabel_configs: relabelConfigs.default([]),
    /** Whether samples may be pushed, by whom and how much: anybody and anything, unless told otherwise. */
    remote_write: remoteWriteSchema.prefault({}),
  })
  .prefault({})
