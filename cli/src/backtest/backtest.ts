/**
 * A backtest: what the running services would have said of a past range, with the configuration that is tried. The poller's plan
 * (`polled-batches.ts`), the detector's step (`replay.ts`) and the alerter's decisions (`services/alerter/src/simulate.ts`), one after the other;
 * nothing here decides anything of its own.
 */
import { type Simulated, simulate } from '@lapwing/alerter/simulate'
import type { Anomaly } from '@lapwing/contracts/records'
import { intakeRules, pollPolicy } from '@lapwing/ingestor/poll-settings'
import type { ConfiguredQuery } from '@lapwing/queries/configured-queries'
import { simulatedSetup } from '../alerts/simulated-setup.ts'
import type { AllConfig } from '../start/all-config.ts'
import { polledBatches, type RecordedQuery } from './polled-batches.ts'
import type { Recording } from './recording.ts'
import { replay } from './replay.ts'
import { type ScoreTrace, ScoreTraces } from './score-traces.ts'

/** What a query brings, wherever it comes from. */
export interface SourcedQuery {
  /** Metric name of series that bring none. */
  readonly seriesName: string
  readonly samples: 'evaluated' | 'scraped'
  readonly recording: Recording
}

export interface SeriesSource {
  open(query: ConfiguredQuery, stepMs: number): Promise<SourcedQuery>
}

export interface BacktestOptions {
  readonly config: Pick<AllConfig, 'ingestor' | 'detector' | 'alerter' | 'kafka'>
  readonly queries: readonly ConfiguredQuery[]
  readonly source: SeriesSource
  /** When the queries are first polled; what `ingestor.history` says of the time before warms up. Milliseconds since the epoch. */
  readonly fromMs: number
  /** The last step. */
  readonly toMs: number
  /** @param doneShare 0 to 1 */
  onProgress(doneShare: number): void
}

export interface Backtest {
  /** In the order in which they were first seen. */
  readonly traces: readonly ScoreTrace[]
  readonly anomalies: readonly Anomaly[]
  readonly simulated: Simulated
}

/** Rejects with a QueryError or UserError of the source. */
export async function backtest(options: BacktestOptions): Promise<Backtest> {
  const { config, queries, fromMs, toMs, onProgress } = options
  const recorded = await Promise.all(queries.map((query) => recordedQuery(query, options)))
  const policies = new Map(queries.map(({ source, policy }) => [source, policy]))
  const traces = new ScoreTraces()
  const range = { fromMs, toMs, policy: pollPolicy(config.ingestor), partitions: config.kafka.partitions }
  const anomalies = await replay(polledBatches(recorded, range), {
    detector: config.detector,
    policyOf: (source) => policies.get(source),
    partitions: config.kafka.partitions,
    onScores: (batch) => traces.add(batch),
    onWindow: ({ throughMs }) => onProgress(Math.max(0, (throughMs - fromMs) / (toMs - fromMs))),
  })
  return { traces: traces.traces, anomalies, simulated: simulate(anomalies, simulatedSetup(config.alerter, fromMs, 0)) }
}

async function recordedQuery(query: ConfiguredQuery, { config, source }: BacktestOptions): Promise<RecordedQuery> {
  const { seriesName, samples, recording } = await source.open(query, config.ingestor.step.ms)
  const longestGapMs = samples === 'evaluated' ? config.ingestor.max_gap_fill.ms : 0
  const naming = { seriesName, rules: intakeRules(config.ingestor), longestGapMs, known: new WeakMap() }
  return { source: query.source, samples, recording, naming }
}
