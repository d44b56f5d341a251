/** The ingestor as a service: remote write in, Prometheus polled, samples out. */
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { accessOf } from '@lapwing/prometheus/access-settings'
import { createWriteDecoder } from '@lapwing/prometheus/remote-write-decoder'
import { configuredQueries } from '@lapwing/queries/configured-queries'
import type { ServiceConfig } from '@lapwing/service/run-process'
import type { ServiceContext } from '@lapwing/service/run-service'
import { announceSettings } from '@lapwing/stream/announce-settings'
import { LogError } from '@lapwing/stream/errors'
import type { Log, OutgoingRecord, Producer } from '@lapwing/stream/log'
import { openTopics } from '@lapwing/stream/open-topics'
import pLimit from 'p-limit'
import type { ingestorSchema } from './config.ts'
import { createIngestMetrics, type IngestMetrics } from './metrics.ts'
import { intakeRules, pollPolicy } from './poll-settings.ts'
import { type Poller, startPoller } from './poller.ts'
import { prometheusClient } from './prometheus-client.ts'
import { startPushListener } from './push-listener.ts'
import { createPushWriter } from './push-writer.ts'
import { placeQueries } from './query.ts'
import { addRemoteWriteRoute } from './remote-write-route.ts'
import { createReplicaTracker } from './replica-tracker.ts'
import { createWriteAccess } from './write-access.ts'
import { createWriteLimits } from './write-limits.ts'

type IngestorConfig = ServiceConfig<'ingestor', typeof ingestorSchema>['ingestor']
type IngestorContext = ServiceContext<ServiceConfig<'ingestor', typeof ingestorSchema>>

export async function startIngestor(context: IngestorContext, log: Log): Promise<void> {
  const { config, http, logger } = context
  const { topic_prefix: prefix, partitions } = config.kafka
  let poller: Poller | undefined
  const lagMs = () => {
    const throughMs = [...(poller?.progress.values() ?? [])].map((progress) => progress.throughMs)
    return throughMs.length === 0 ? 0 : Date.now() - Math.min(...throughMs)
  }
  const troubles = () => [...(poller?.troubles.values() ?? [])]
  const metrics = createIngestMetrics(context.registry, { ownedQueries: () => poller?.progress.size ?? 0, lagMs, troubles })
  const push = config.ingestor.remote_write.enabled ? await preparePush(context, log, metrics) : undefined
  await context.listen()
  const { tls } = config.ingestor.remote_write
  if (push && tls) context.onClose('push listener', (await startPushListener(http, config.http.host, tls, logger)).close)
  await openTopics(log, topicSpecs(prefix, partitions), context)
  announceSettings(log, topicName(prefix, 'settings'), { ...context, troubles })
  await push?.begin()
  poller = await startPolling(context, config.ingestor, log, metrics)
  context.onClose('poller', async () => poller?.stop())
  context.takeLive({
    keys: liveKeys.map((key) => `ingestor.${key}`),
    prepare: (next) => async () => {
      await poller?.stop()
      poller = await startPolling(context, next.ingestor, log, metrics)
    },
  })
}

/** Settings of `ingestor` that a running one can change: what is polled and scraped, and how. */
const liveKeys = [
  ...[
    'prometheus_url',
    'prometheus_bearer_token',
    'prometheus_access',
    'metrics',
    'presets',
    'step',
    'poll_interval',
    'lateness',
  ],
  ...['history', 'max_gap_fill', 'query_timeout', 'query_concurrency', 'scrape_configs'],
] as const satisfies readonly (keyof IngestorConfig)[]

/** The route, which refuses what comes before the log is there; `begin` once it is. */
async function preparePush(context: IngestorContext, log: Log, metrics: IngestMetrics): Promise<{ begin(): Promise<void> }> {
  const { config, http, logger } = context
  const { topic_prefix: prefix, partitions } = config.kafka
  const { ha, tls, tenant_label: tenantLabel, limits, ...access } = config.ingestor.remote_write
  let producer: Producer | undefined
  const send = async (records: readonly OutgoingRecord[]) => {
    if (!producer) throw new LogError('unreachable', 'still starting')
    await producer.send(records)
  }
  const failoverMs = ha.failover_timeout.ms
  const replicas = createReplicaTracker({
    log,
    topic: topicName(prefix, 'replica-claims'),
    partitions,
    timing: { failoverMs, renewalMs: failoverMs / 2 },
    send,
    logger,
    onElected: metrics.elected,
    now: Date.now,
    onFatal: context.fail,
  })
  const pair = ha.enabled ? { cluster: ha.cluster_label, replica: ha.replica_label } : undefined
  await addRemoteWriteRoute(http, {
    decoder: createWriteDecoder({ ...intakeRules(config.ingestor), pair, tenantLabel }),
    writer: createPushWriter({ samplesTopic: topicName(prefix, 'samples'), partitions, send, now: Date.now }),
    replicas,
    admission: { senderOf: createWriteAccess(access), limitsOf: createWriteLimits(limits), tlsOnly: tls !== undefined },
    metrics,
    logger,
    now: Date.now,
  })
  return {
    begin: async () => {
      producer = await log.producer()
      context.onClose('producer', producer.close)
      context.onClose('replica elections', replicas.stop)
    },
  }
}

async function startPolling(
  context: IngestorContext,
  ingestor: IngestorConfig,
  log: Log,
  metrics: IngestMetrics,
): Promise<Poller | undefined> {
  const { config, logger } = context
  const { prometheus_url: url, ...settings } = ingestor
  const { topic_prefix: prefix, partitions } = config.kafka
  const jobs = settings.scrape_configs
  if (!url && jobs.length === 0) return undefined
  const queries = url ? placeQueries(configuredQueries(settings), partitions) : []
  if (url) logger.info({ queries: queries.map((query) => query.promql) }, 'polling Prometheus')
  if (jobs.length > 0) logger.info({ jobs: jobs.map((job) => job.job_name) }, 'scraping targets')
  const shared = {
    rules: intakeRules(ingestor),
    metrics,
    logger,
    now: Date.now,
  }
  return startPoller({
    log,
    group: `${prefix}-ingestor`,
    queries,
    topics: {
      samples: topicName(prefix, 'samples'),
      ingestState: topicName(prefix, 'ingest-state'),
      fence: `${prefix}-ingestor`,
    },
    client: url ? prometheusClient(url, ingestor) : undefined,
    scraping: { jobs, partitions, tools: { ...shared, accessOf: (job) => accessOf(job.access) } },
    tools: {
      ...shared,
      limit: pLimit(settings.query_concurrency),
      policy: pollPolicy(settings),
      backoff: { firstMs: 1000, longestMs: 60_000 },
      longestGapMs: settings.max_gap_fill.ms,
      partitions,
      random: Math.random,
    },
    onFatal: context.fail,
  })
}
