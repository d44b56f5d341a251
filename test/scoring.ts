/** An ingestor and a detector in this process, on a log in memory, and what they have said so far. */
import { decode } from '@lapwing/contracts/codec'
import { float32Column, float64Column, uint32Column } from '@lapwing/contracts/columns'
import type { Anomaly, BatchKind, ScoreBatch } from '@lapwing/contracts/records'
import { seriesText } from '@lapwing/contracts/series'
import { seriesStates } from '@lapwing/contracts/series-state'
import { labelReader } from '@lapwing/contracts/series-table'
import { topicName } from '@lapwing/contracts/topics'
import { detectorSchema } from '@lapwing/detector/config'
import { startDetector } from '@lapwing/detector/start'
import { ingestorSchema } from '@lapwing/ingestor/config'
import { startIngestor } from '@lapwing/ingestor/start'
import { commonSections, loadConfig } from '@lapwing/service/config'
import { createLogger } from '@lapwing/service/logger'
import { type RunningService, runService, type ServiceContext } from '@lapwing/service/run-service'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log } from '@lapwing/stream/log'

export interface Score {
  readonly timestampMs: number
  readonly value: number
  readonly score: number
  readonly expected: number
  readonly state: (typeof seriesStates)[number]
  readonly kind: BatchKind
}

export type SeriesScores = ReadonlyMap<string, readonly Score[]>

export interface Scoring {
  readonly ingestorUrl: string
  /** By the text of the series, in the order of the log. */
  scores(): Promise<SeriesScores>
  anomalies(): Promise<Anomaly[]>
  close(): Promise<void>
}

const sections = { ...commonSections, ingestor: ingestorSchema, detector: detectorSchema }
type Config = ReturnType<typeof loadConfig<typeof sections>>

/** @param settings of section `ingestor` */
export async function startScoring(settings: Readonly<Record<string, string>>): Promise<Scoring> {
  const sets = Object.entries({ port: '0', ...settings }).map(([key, value]) => `ingestor.${key}=${value}`)
  const config = loadConfig(sections, { environment: {}, sets: [...sets, 'detector.port=0', 'kafka.partitions=2'] })
  const log = createInProcessLog()
  const detector = await run('detector', config, (context) => startDetector(context, log))
  const ingestor = await run('ingestor', config, (context) => startIngestor(context, log))
  return {
    ingestorUrl: ingestor.url,
    scores: () => readScores(log),
    anomalies: async () => (await log.readToEnd(topicName('lapwing', 'anomalies'))).map(({ value }) => decode('Anomaly', value!)),
    close: async () => {
      await ingestor.close()
      await detector.close()
      await log.close()
    },
  }
}

function run(name: string, config: Config, start: (context: ServiceContext<Config>) => Promise<void>): Promise<RunningService> {
  return runService({
    name,
    config,
    logger: createLogger({ name, level: 'error', output: { write: (line) => void process.stderr.write(line) } }),
    http: { host: '127.0.0.1', port: 0 },
    version: 'test',
    onFail: (error) => {
      throw error
    },
    start,
  })
}

async function readScores(log: Log): Promise<SeriesScores> {
  const bySeries = new Map<string, Score[]>()
  for (const { value } of await log.readToEnd(topicName('lapwing', 'scores'))) {
    const batch = decode('ScoreBatch', value!)
    const read = scoreReader(batch)
    const labels = labelReader(batch.series)
    let at = 0
    uint32Column(batch.samplesPerSeries).forEach((count, series) => {
      const text = seriesText(labels(series))
      const scores = bySeries.get(text) ?? []
      bySeries.set(text, scores)
      for (const end = at + count; at < end; at++) scores.push(read(at))
    })
  }
  return bySeries
}

function scoreReader(batch: ScoreBatch): (at: number) => Score {
  const timestampsMs = float64Column(batch.timestampsMs)
  const values = float64Column(batch.values)
  const scores = float32Column(batch.scores)
  const expected = float32Column(batch.expected)
  return (at) => ({
    timestampMs: timestampsMs[at]!,
    value: values[at]!,
    score: scores[at]!,
    expected: expected[at]!,
    state: seriesStates[batch.states[at]!]!,
    kind: batch.kind,
  })
}
