/** What the ingestor tells Prometheus of itself. */

import type { BatchKind, Trouble } from '@lapwing/contracts/records'
import type { HttpErrorCode } from '@lapwing/prometheus/http-exchange'
import { type QueryErrorCode, queryErrors } from '@lapwing/prometheus/query-errors'
import { logErrors } from '@lapwing/stream/errors'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export type Source = 'poll' | 'scrape' | 'remote_write'

/** Why a sample did not become one of a batch. `imputed` points are not samples and stand in a counter of their own. */
export type DropReason = (typeof dropReasons)[number]

const dropReasons = [
  'not_finite',
  'invalid',
  'from_the_future',
  'native_histogram',
  'exemplar',
  'label_limit',
  'relabelled',
  'duplicate',
  'series_limit',
] as const

/** What became of a scrape. */
export type ScrapeOutcomeName = 'ok' | 'malformed' | HttpErrorCode

export type WriteLimit = 'samples_per_second' | 'request_bytes'

export interface IngestMetrics {
  samples(source: Source, kind: BatchKind, count: number, newestMs: number): void
  dropped(source: Source, reason: DropReason, count: number): void
  /** Several reasons at once. */
  left(source: Source, counts: Readonly<Partial<Record<DropReason, number>>>): void
  imputed(count: number): void
  polled(durationMs: number): void
  /** @param reason code of the query or log error */
  pollFailed(reason: string): void
  /** Sets `lapwing_prometheus_up`: whether it answered the last request, be it with an error in the query. */
  prometheusUp(up: boolean): void
  /** @param outcome `ok`, or why there was nothing to read */
  scraped(outcome: ScrapeOutcomeName): void
  writeAnswered(status: number, durationMs: number): void
  /** A request was refused because of a limit. */
  limited(limit: WriteLimit): void
  /** A replica of a pair was elected. */
  elected(): void
  inFlight(bytes: number): void
}

/** How it stands with the queries, asked at each scrape. */
export interface QueryStanding {
  ownedQueries(): number
  /** Time that the query furthest behind has to catch up with, 0 without queries. */
  lagMs(): number
  /** Of queries that fail. */
  troubles(): readonly Pick<Trouble, 'reason'>[]
}

export function createIngestMetrics(registry: Registry, { ownedQueries, lagMs, troubles }: QueryStanding): IngestMetrics {
  const registers = [registry]
  new Gauge({
    name: 'lapwing_ingest_failing_queries',
    help: 'Queries of this replica that fail now, by reason.',
    labelNames: ['reason'],
    registers,
    collect() {
      for (const reason of Object.keys(queryErrors)) this.set({ reason }, 0)
      for (const { reason } of troubles()) this.inc({ reason })
    },
  })
  new Gauge({
    name: 'lapwing_ingest_lag_seconds',
    help: 'Now minus the newest step on the log, of the polled query that is furthest behind.',
    registers,
    collect() {
      this.set(lagMs() / 1000)
    },
  })
  new Gauge({
    name: 'lapwing_ingest_owned_queries',
    help: 'Queries that this replica polls.',
    registers,
    collect() {
      this.set(ownedQueries())
    },
  })
  return { ...sampleMetrics(registers), ...pollMetrics(registers), ...scrapeMetrics(registers), ...writeMetrics(registers) }
}

function sampleMetrics(registers: Registry[]): Pick<IngestMetrics, 'samples' | 'dropped' | 'left' | 'imputed'> {
  const samples = new Counter({
    name: 'lapwing_ingest_samples_total',
    help: 'Samples on the log, by source and kind.',
    labelNames: ['source', 'kind'],
    registers,
  })
  const newest = new Gauge({
    name: 'lapwing_ingest_newest_sample_timestamp_seconds',
    help: 'Time of the newest sample on the log, by source.',
    labelNames: ['source'],
    registers,
  })
  const dropped = new Counter({
    name: 'lapwing_ingest_samples_dropped_total',
    help: 'Samples that were received and not put on the log, by source and reason.',
    labelNames: ['source', 'reason'],
    registers,
  })
  const imputed = new Counter({ name: 'lapwing_ingest_samples_imputed_total', help: 'Points filled into short gaps.', registers })
  for (const source of ['poll', 'scrape', 'remote_write'] as const) {
    for (const kind of ['live', 'history'] as const) samples.inc({ source, kind }, 0)
    for (const reason of dropReasons) dropped.inc({ source, reason }, 0)
  }
  return {
    samples: (source, kind, count, newestMs) => {
      samples.inc({ source, kind }, count)
      newest.set({ source }, newestMs / 1000)
    },
    dropped: (source, reason, count) => dropped.inc({ source, reason }, count),
    left: (source, counts) => {
      for (const [reason, count] of Object.entries(counts)) dropped.inc({ source, reason }, count)
    },
    imputed: (count) => imputed.inc(count),
  }
}

function pollMetrics(registers: Registry[]): Pick<IngestMetrics, 'polled' | 'pollFailed' | 'prometheusUp'> {
  const duration = new Histogram({
    name: 'lapwing_ingest_poll_duration_seconds',
    help: 'Time from asking Prometheus to its samples being on the log, of the polls that succeeded.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  })
  const lastPoll = new Gauge({
    name: 'lapwing_ingest_last_poll_timestamp_seconds',
    help: 'Time at which the samples of a poll were last put on the log.',
    registers,
  })
  const errors = new Counter({
    name: 'lapwing_ingest_poll_errors_total',
    help: 'Polls that failed and will be tried again, by reason.',
    labelNames: ['reason'],
    registers,
  })
  for (const reason of [...Object.keys(queryErrors), ...Object.keys(logErrors)]) errors.inc({ reason }, 0)
  const up = new Gauge({ name: 'lapwing_prometheus_up', help: 'Whether Prometheus answered the last query.', registers })
  return {
    polled: (durationMs) => {
      duration.observe(durationMs / 1000)
      lastPoll.set(Date.now() / 1000)
    },
    pollFailed: (reason) => errors.inc({ reason }),
    prometheusUp: (isUp) => up.set(Number(isUp)),
  }
}

function scrapeMetrics(registers: Registry[]): Pick<IngestMetrics, 'scraped'> {
  const scrapes = new Counter({
    name: 'lapwing_ingest_scrapes_total',
    help: 'Scrapes of targets, by what became of them.',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of ['ok', 'malformed', 'unreachable', 'timeout', 'too_large']) scrapes.inc({ outcome }, 0)
  return { scraped: (outcome) => scrapes.inc({ outcome }) }
}

function writeMetrics(registers: Registry[]): Pick<IngestMetrics, 'writeAnswered' | 'limited' | 'elected' | 'inFlight'> {
  const requests = new Counter({
    name: 'lapwing_remote_write_requests_total',
    help: 'Remote-write requests answered, by status.',
    labelNames: ['status'],
    registers,
  })
  for (const status of ['204', '400', '401', '403', '413', '415', '429', '503']) requests.inc({ status }, 0)
  const duration = new Histogram({
    name: 'lapwing_remote_write_request_duration_seconds',
    help: 'Time from the headers of a remote-write request to its answer.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  })
  const limited = new Counter({
    name: 'lapwing_remote_write_limited_total',
    help: 'Remote-write requests refused because of a limit of their tenant or source, by limit.',
    labelNames: ['limit'],
    registers,
  })
  for (const limit of ['samples_per_second', 'request_bytes']) limited.inc({ limit }, 0)
  const elections = new Counter({
    name: 'lapwing_remote_write_replica_elections_total',
    help: 'Times that a replica of a Prometheus pair was elected in place of another or of none.',
    registers,
  })
  const inFlight = new Gauge({
    name: 'lapwing_remote_write_in_flight_bytes',
    help: 'Bodies of remote-write requests that are not answered yet.',
    registers,
  })
  return {
    writeAnswered: (status, durationMs) => {
      requests.inc({ status: String(status) })
      duration.observe(durationMs / 1000)
    },
    limited: (limit) => limited.inc({ limit }),
    elected: () => elections.inc(),
    inFlight: (bytes) => inFlight.set(bytes),
  }
}

/** Errors after which Prometheus is nevertheless up: it answered, and what it said is about the query. */
const answered: readonly QueryErrorCode[] = ['bad_query', 'not_executable', 'partial', 'too_large', 'not_numeric']

export function answersQueries(code: QueryErrorCode): boolean {
  return answered.includes(code)
}
