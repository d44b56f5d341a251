/** What the reporter tells of itself and of the whole pipeline at `/metrics`. Labels are bounded: no series and no anomaly is one. */
import type { Severity } from '@lapwing/contracts/records'
import { seriesStates } from '@lapwing/contracts/series-state'
import { Counter, Gauge, type Registry } from 'prom-client'
import { type HistoryStore, unlessUnavailable } from './history-store.ts'
import { countSeries, type Projection } from './projection.ts'
import { lagSeconds } from './views.ts'

export interface ReporterMetrics {
  readonly anomalies: Counter<'severity'>
  readonly records: Counter<'topic'>
  readonly damagedRecords: Counter<'topic'>
  readonly droppedClients: Counter
  readonly csvRows: Counter
  readonly csvWriteErrors: Counter
  readonly scoresWritten: Counter<'outcome'>
  readonly scoreWriteErrors: Counter
}

export interface MetricsSources {
  readonly registry: Registry
  readonly projection: Projection
  readonly history: HistoryStore
  /** Names of the topics that are followed. */
  readonly topics: readonly string[]
  now(): number
  clientCount(): number
  behindRecords(): number
}

export function createMetrics(sources: MetricsSources): ReporterMetrics {
  createGauges(sources)
  const registers = [sources.registry]
  const anomalies = new Counter({
    name: 'lapwing_anomalies_total',
    help: 'Anomalous episodes, each counted once when first seen on the log, by one of the replicas that share a history. A history in memory sees those on the log again after a restart.',
    labelNames: ['severity'],
    registers,
  })
  for (const severity of severities) anomalies.inc({ severity }, 0)
  const records = new Counter({ name: 'lapwing_reporter_records_total', help: 'Records read.', labelNames: ['topic'], registers })
  const damagedRecords = new Counter({
    name: 'lapwing_reporter_damaged_records_total',
    help: 'Records passed over because they could not be decoded.',
    labelNames: ['topic'],
    registers,
  })
  for (const topic of sources.topics) {
    records.inc({ topic }, 0)
    damagedRecords.inc({ topic }, 0)
  }
  const droppedClients = new Counter({
    name: 'lapwing_live_clients_dropped_total',
    help: 'Pages disconnected because they did not read their live events.',
    registers,
  })
  const csvRows = new Counter({ name: 'lapwing_csv_rows_total', help: 'Rows appended to output_csv.', registers })
  const csvWriteErrors = new Counter({
    name: 'lapwing_csv_write_errors_total',
    help: 'Attempts to write output_csv that failed.',
    registers,
  })
  return { anomalies, records, damagedRecords, droppedClients, csvRows, csvWriteErrors, ...createWriteBackMetrics(registers) }
}

function createWriteBackMetrics(registers: Registry[]): Pick<ReporterMetrics, 'scoresWritten' | 'scoreWriteErrors'> {
  const scoresWritten = new Counter({
    name: 'lapwing_scores_written_total',
    help: 'Samples of scores and bands sent to remote_write_url, by what became of them.',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of ['taken', 'refused']) scoresWritten.inc({ outcome }, 0)
  const scoreWriteErrors = new Counter({
    name: 'lapwing_scores_write_errors_total',
    help: 'Requests to remote_write_url that failed and were sent again.',
    registers,
  })
  return { scoresWritten, scoreWriteErrors }
}

const severities: readonly Severity[] = ['info', 'warning', 'critical']

/** Read when Prometheus asks, so that a lag grows although nothing arrives. */
function createGauges({ registry, projection, history, now, clientCount, behindRecords }: MetricsSources): void {
  const gauge = (name: string, help: string, read: () => number | Promise<number>) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        this.set(await read())
      },
    })
  gauge('lapwing_anomalies_open', 'Anomalous episodes that have not ended; NaN while the history does not answer.', () => {
    return unlessUnavailable(history.openCount(), Number.NaN)
  })
  gauge('lapwing_pipeline_lag_seconds', 'Age of the newest scored sample; NaN before the first.', () => {
    return lagSeconds(projection.newestMs ?? null, now()) ?? Number.NaN
  })
  gauge('lapwing_series_not_shown', 'Series beyond max_series, at least.', () => projection.droppedKeys.size)
  gauge('lapwing_reporter_behind_records', 'Records on the log that are still to be read.', behindRecords)
  gauge('lapwing_live_clients', 'Pages connected to live events.', clientCount)
  new Gauge({
    name: 'lapwing_series',
    help: 'Series by state, without those that have ended.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const { byState } = countSeries(projection)
      for (const state of seriesStates) this.set({ state }, byState[state])
    },
  })
}
