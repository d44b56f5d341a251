/** The ingestor as a service: remote write in, Prometheus polled, samples out. */
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import type { LabelLimits } from '@lapwing/prometheus/label-limits'
import { createQueryClient } from '@lapwing/prometheus/query-client'
import { createWriteDecoder } from '@lapwing/prometheus/remote-write-decoder'
import { configuredQueries } from '@lapwing/queries/configured-queries'
import type { ServiceConfig } from '@lapwing/service/run-process'
import type { ServiceContext } from '@lapwing/service/run-service'
import { LogError } from '@lapwing/stream/errors'
import type { Log, Producer } from '@lapwing/stream/log'
import { openTopics } from '@lapwing/stream/open-topics'
import pLimit from 'p-limit'
import { accessOf } from './access-settings.ts'
import type { ingestorSchema } from './config.ts'
import { createIngestMetrics, type IngestMetrics } from './metrics.ts'
import { type Poller, startPoller } from './poller.ts'
import { placeQueries } from './query.ts'
import { addRemoteWriteRoute } from './remote-write-route.ts'

type IngestorContext = ServiceContext<ServiceConfig<'ingestor', typeof ingestorSchema>>

export async function startIngestor(context: IngestorContext, log: Log): Promise<void> {
  const { config, http, logger } = context
  const { topic_prefix: prefix, partitions } = config.kafka
  let poller: Poller | undefined
  const lagMs = () => {
    const throughMs = [...(poller?.progress.values() ?? [])].map((progress) => progress.throughMs)
    return throughMs.length === 0 ? 0 : Date.now() - Math.min(...throughMs)
  }
  const metrics = createIngestMetrics(context.registry, () => poller?.progress.size ?? 0, lagMs)
  let producer: Producer | undefined
  if (config.ingestor.remote_write.enabled) {
    await addRemoteWriteRoute(http, {
      decoder: createWriteDecoder(config.ingestor.entity_by, labelLimits(config.ingestor)),
      samplesTopic: topicName(prefix, 'samples'),
      partitions,
      send: async (records) => {
        if (!producer) throw new LogError('unreachable', 'still starting')
        await producer.send(records)
      },
      metrics,
      logger,
      now: Date.now,
    })
  }
  await context.listen()
  await openTopics(log, topicSpecs(prefix, partitions), context)
  producer = await log.producer()
  context.onClose('producer', producer.close)
  poller = await startPolling(context, log, metrics)
  if (poller) context.onClose('poller', poller.stop)
}

function labelLimits(settings: IngestorContext['config']['ingestor']): LabelLimits {
  return {
    labels: settings.label_limit,
    nameLength: settings.label_name_length_limit,
    valueLength: settings.label_value_length_limit,
  }
}

async function startPolling(context: IngestorContext, log: Log, metrics: IngestMetrics): Promise<Poller | undefined> {
  const { config, logger } = context
  const { prometheus_url: url, ...settings } = config.ingestor
  const { topic_prefix: prefix, partitions } = config.kafka
  if (!url) return undefined
  const queries = placeQueries(configuredQueries(settings), partitions)
  logger.info({ queries: queries.map((query) => query.promql) }, 'polling Prometheus')
  return startPoller({
    log,
    group: `${prefix}-ingestor`,
    queries,
    topics: {
      samples: topicName(prefix, 'samples'),
      ingestState: topicName(prefix, 'ingest-state'),
      fence: `${prefix}-ingestor`,
    },
    tools: {
      client: createQueryClient({
        url,
        timeoutMs: settings.query_timeout.ms,
        access: accessOf({ bearer_token: settings.prometheus_bearer_token, ...settings.prometheus_access }),
      }),
      limit: pLimit(settings.query_concurrency),
      policy: {
        stepMs: settings.step.ms,
        pollIntervalMs: settings.poll_interval.ms,
        latenessMs: settings.lateness.ms,
        historyMs: settings.history.ms,
      },
      backoff: { firstMs: 1000, longestMs: 60_000 },
      entityBy: settings.entity_by,
      longestGapMs: settings.max_gap_fill.ms,
      labelLimits: labelLimits(config.ingestor),
      partitions,
      metrics,
      logger,
      now: Date.now,
      random: Math.random,
    },
    onFatal: context.fail,
  })
}
