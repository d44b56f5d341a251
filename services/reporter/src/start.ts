/**
 * The reporter: follows the log into the projection and the history, and serves the page, the API and the metrics of the pipeline.
 *
 * It listens before the log is there, so that the page can say what it is waiting for. Several replicas may run side by side:
 * each reads the whole log, and only `output_csv` is shared out among them, by partition.
 */
import { createPodMemory } from '@lapwing/alerting/pod-context'
import { type TopicName, topicName, topicSpecs } from '@lapwing/contracts/topics'
import type { ServiceConfig } from '@lapwing/service/run-process'
import type { ServiceContext } from '@lapwing/service/run-service'
import { announceSettings } from '@lapwing/stream/announce-settings'
import type { Log } from '@lapwing/stream/log'
import { prepareTopics } from '@lapwing/stream/prepare-topics'
import { createAccess } from './access.ts'
import { addApi } from './api.ts'
import { addCanary, type Canary } from './canary.ts'
import type { reporterSchema } from './config.ts'
import { writeCsv } from './csv-file.ts'
import type { ExploredSections } from './explore/explore-settings.ts'
import { createLiveExplorer } from './explore/explorer.ts'
import { type FollowedTopic, type Following, followedTopics, followLog } from './follow-log.ts'
import { type HistoryStore, HistoryUnavailable } from './history-store.ts'
import { createLiveFeed } from './live-feed.ts'
import { runLiveUpdates } from './live-updates.ts'
import { createMetrics } from './metrics.ts'
import { ModelVersions } from './model-versions.ts'
import { MuteBook } from './mute-book.ts'
import { addPage, addSecurityHeaders, bundlePage } from './page-routes.ts'
import { openPostgresHistory } from './postgres-history.ts'
import { createProjection } from './projection.ts'
import { createRecordWriter } from './record-writer.ts'
import { startReports, type WithRoutes } from './reports/start-reports.ts'
import { addRunbooks } from './runbooks.ts'
import { addScoreExposition } from './score-exposition.ts'
import { writeScores } from './score-writer.ts'
import { SettingsBook } from './settings-book.ts'
import { openSqliteHistory } from './sqlite-history.ts'
import { createStatus } from './status.ts'

type ReporterContext = ServiceContext<ServiceConfig<'reporter', typeof reporterSchema> & WithRoutes & ExploredSections>

/** Resolves once the log is followed; until then the page says what is missing. Rejects with a LogError that is not retryable. */
export async function startReporter(context: ReporterContext, log: Log): Promise<void> {
  const parts = await createParts(context, log)
  addSecurityHeaders(context.http)
  await addApi(context.http, parts)
  addScoreExposition(context.http, context.registry, parts.projection, context.config.reporter.score_metrics_max_series)
  const canary = addCanary({ ...context, ...parts, now: Date.now })
  addPage(context.http, await bundlePage())
  await addRunbooks(context.http)
  await context.listen()
  // Of that section only the explorer reads anything.
  context.takeLive({ keys: ['ingestor.*'], prepare: (next) => async () => parts.explorer.take(next) })
  context.onClose('live events', runLiveUpdates({ ...parts, onError: parts.onFatal }))

  await connect(context, log, parts.closing)
  announceSettings(log, onLog(context, 'settings'), context)
  await startFollowing(context, log, parts, canary)
  context.onClose('retention', keepRetention(context, parts))
  startReports(context, log, parts.projection)
  if (context.config.reporter.output_csv) await startCsv(context, log, parts)
  if (context.config.reporter.remote_write_url)
    await startWriteBack(context, log, parts, context.config.reporter.remote_write_url)
}

type Parts = Awaited<ReturnType<typeof createParts>>

async function createParts(context: ReporterContext, log: Log) {
  const { config, registry, health, logger } = context
  health.declare('log', 'not connected yet')
  health.declare('history', 'not asked yet')
  health.set('history', true)
  const closing = new AbortController()
  const projection = createProjection({
    pointsPerSeries: config.reporter.points_per_series,
    maxSeries: config.reporter.max_series,
  })
  const history = await openHistory(config.reporter)
  context.onClose('history', () => history.close())
  const explorer = createLiveExplorer(config, { projection, history })
  const settings = new SettingsBook()
  const following: { current: Following | undefined } = { current: undefined }
  const behindRecords = () => following.current?.behindRecords() ?? 0
  const feed = createLiveFeed({ ...liveFeedLimits, onDropped: () => metrics.droppedClients.inc() })
  const clientCount = () => feed.clientCount()
  const metrics = createMetrics({
    registry,
    projection,
    history,
    topics: followedTopics,
    now: Date.now,
    clientCount,
    behindRecords,
  })
  const overview = createStatus({
    log,
    topics: { samples: onLog(context, 'samples'), scores: onLog(context, 'scores') },
    projection,
    history,
    settings,
    failing: () => health.failing().filter((condition) => !condition.startsWith('started:')),
    behindRecords,
    explorer: () => explorer.unavailable,
    promqlOf: explorer.promqlOf,
    now: Date.now,
  })
  const writer = createRecordWriter({
    log,
    topics: { feedback: onLog(context, 'feedback'), control: onLog(context, 'control'), mutes: onLog(context, 'mutes') },
    partitions: config.kafka.partitions,
    now: Date.now,
  })
  context.onClose('records of people', () => writer.close())
  return {
    access: createAccess(config.reporter.tokens, config.http.host),
    writer,
    now: Date.now,
    models: new ModelVersions(),
    mutes: new MuteBook(),
    settings,
    pods: createPodMemory(),
    closing,
    explorer,
    projection,
    history,
    following,
    feed,
    metrics,
    overview,
    changedEpisodes: new Set<string>(),
    onDamaged: (topic: FollowedTopic, error: Error) => {
      metrics.damagedRecords.inc({ topic })
      logger.warn({ topic, err: error }, 'a record that cannot be decoded was passed over')
    },
    onFatal: (error: Error) => {
      if (!closing.signal.aborted) context.fail(error)
    },
  }
}

async function openHistory({
  data_dir: folder,
  postgres_url: url,
}: ReporterContext['config']['reporter']): Promise<HistoryStore> {
  return url ? openPostgresHistory(url.reveal()) : openSqliteHistory(folder)
}

const liveFeedLimits = { maxClients: 500, maxBufferedBytes: 4 * 1024 * 1024 }
const retentionEveryMs = 3_600_000

function onLog(context: ReporterContext, name: TopicName): string {
  return topicName(context.config.kafka.topic_prefix, name)
}

async function connect({ config, logger, health, onClose }: ReporterContext, log: Log, closing: AbortController): Promise<void> {
  onClose('waiting for the log', async () => closing.abort())
  const differences = await prepareTopics(log, topicSpecs(config.kafka.topic_prefix, config.kafka.partitions), {
    onRetry: (error, delayMs) => {
      health.set('log', error.message)
      logger.warn({ err: error, delayMs }, 'waiting for the log')
    },
    signal: closing.signal,
  })
  for (const difference of differences) logger.warn(difference)
  health.set('log', true)
}

async function startFollowing(context: ReporterContext, log: Log, parts: Parts, canary: Canary): Promise<void> {
  const { projection, history, models, mutes, settings, pods, metrics, changedEpisodes, closing, onDamaged, onFatal } = parts
  const { health, logger } = context
  const following = await followLog({
    log,
    topics: new Map(followedTopics.map((topic) => [onLog(context, topic), topic])),
    projection,
    history,
    models,
    mutes,
    settings,
    pods,
    onRecords: (topic, count) => metrics.records.inc({ topic }, count),
    onHistory: ({ opened, episodeIds }) => {
      for (const { severity } of opened) metrics.anomalies.inc({ severity })
      canary.observe(opened)
      for (const id of episodeIds) changedEpisodes.add(id)
    },
    onHistoryWaiting: (error) => {
      if (error) logger.warn({ err: error }, 'waiting for the history database')
      health.set('history', error?.message ?? true)
    },
    signal: closing.signal,
    onDamaged,
    onFatal,
  })
  parts.following.current = following
  context.onClose('following the log', () => stopNow(parts, following.stop))
}

function keepRetention({ config, logger }: ReporterContext, { history, onFatal }: Parts): () => Promise<void> {
  const expire = () => {
    history.expire(Date.now() - config.reporter.retention.ms).then(
      () => logger.debug('history expired'),
      (error: Error) => {
        if (error instanceof HistoryUnavailable) logger.warn({ err: error }, 'the history is expired later')
        else onFatal(error)
      },
    )
  }
  expire()
  const timer = setInterval(expire, retentionEveryMs)
  return async () => clearInterval(timer)
}

async function startCsv(context: ReporterContext, log: Log, parts: Parts): Promise<void> {
  const { config, logger } = context
  const path = config.reporter.output_csv
  const csv = await writeCsv({
    log,
    topic: onLog(context, 'anomalies'),
    group: `${config.kafka.topic_prefix}-reporter-csv`,
    path,
    onRows: (count) => parts.metrics.csvRows.inc(count),
    onWriteError: (error) => {
      parts.metrics.csvWriteErrors.inc()
      logger.error({ err: error, path }, 'output_csv cannot be written; trying again')
    },
    onDamaged: (error) => parts.onDamaged('anomalies', error),
    onFatal: parts.onFatal,
    signal: parts.closing.signal,
  })
  context.onClose('output_csv', () => stopNow(parts, csv.stop))
}

async function startWriteBack(context: ReporterContext, log: Log, parts: Parts, url: string): Promise<void> {
  const { config, logger } = context
  const { scoresWritten, scoreWriteErrors } = parts.metrics
  const writer = await writeScores({
    log,
    topic: onLog(context, 'scores'),
    group: `${config.kafka.topic_prefix}-reporter-remote-write`,
    url: new URL(url),
    bearerToken: config.reporter.remote_write_bearer_token.reveal(),
    onWritten: (samples) => scoresWritten.inc({ outcome: 'taken' }, samples),
    onRefused: (samples, why) => {
      scoresWritten.inc({ outcome: 'refused' }, samples)
      logger.warn({ samples, why }, 'remote_write_url refused scores')
    },
    onWriteError: (why) => {
      scoreWriteErrors.inc()
      logger.warn({ why }, 'remote_write_url does not take scores; trying again')
    },
    onDamaged: (error) => parts.onDamaged('scores', error),
    onFatal: parts.onFatal,
    signal: parts.closing.signal,
  })
  context.onClose('remote_write_url', () => stopNow(parts, writer.stop))
}

/** What waits gives up first; otherwise stopping would wait for it. */
async function stopNow({ closing }: Parts, stop: () => Promise<void>): Promise<void> {
  closing.abort()
  await stop()
}
