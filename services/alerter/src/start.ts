/** The alerter: anomalies in, receivers told. The composition; decisions stand in the files it puts together. */
import { createPodMemory } from '@lapwing/alerting/pod-context'
import type { PartitionOf } from '@lapwing/alerting/slack-buttons'
import { partitionOf } from '@lapwing/contracts/series'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { watchConsuming } from '@lapwing/service/consuming-health'
import type { ServiceConfig } from '@lapwing/service/run-process'
import type { ServiceContext } from '@lapwing/service/run-service'
import { createStageMetrics } from '@lapwing/service/stage-metrics'
import { announceSettings } from '@lapwing/stream/announce-settings'
import type { Log } from '@lapwing/stream/log'
import { openTopics } from '@lapwing/stream/open-topics'
import { type Alerting, type AlertTopics, liveKeys, prepareAlerting } from './alerting.ts'
import type { alerterSchema } from './config.ts'
import { addFeedbackRoutes } from './feedback/feedback-routes.ts'
import { type OpenFeedback, openFeedback } from './feedback/open-feedback.ts'
import { createAlerterMetrics } from './metrics.ts'
import { followPods } from './pod-source.ts'

type AlerterContext = ServiceContext<ServiceConfig<'alerter', typeof alerterSchema>>

export async function startAlerter(context: AlerterContext, log: Log): Promise<void> {
  const { config, logger } = context
  const { topic_prefix: prefix, partitions } = config.kafka
  const topics = topicsOf(prefix)
  let alerting: Alerting | undefined
  let feedback: OpenFeedback | undefined
  const metrics = createAlerterMetrics(
    context.registry,
    () => (alerting ?? first).receivers,
    (receiver) => alerting?.routes.pending(receiver) ?? 0,
  )
  const pods = createPodMemory()
  const parts = {
    podsOf: pods.contextOf,
    ...{ log, topics, prefix, partitions, metrics, logger, onFatal: context.fail, partitionOf: partitionOfAlert(partitions) },
    observer: createStageMetrics(context.registry),
    onSilences: (silences: Parameters<OpenFeedback['takeSilences']>[0]) =>
      void feedback?.takeSilences(silences).catch(context.fail),
  }
  const first = prepareAlerting(config.alerter, parts)
  context.onClose('receivers', async () => (alerting ? undefined : first.discard()))
  addFeedbackRoutes(context.http, {
    slackSigningSecret: config.alerter.slack_signing_secret,
    token: config.alerter.feedback_token,
    ...{ writer: () => feedback?.writer, metrics, logger, nowMs: Date.now },
  })
  await context.listen()
  await openTopics(log, topicSpecs(prefix, partitions), context)
  announceSettings(log, topicName(prefix, 'settings'), context)

  const stopping = new AbortController()
  context.onClose('waiting', async () => stopping.abort())
  feedback = await openFeedback({
    ...{ log, topics, metrics, logger, onFatal: context.fail, nowMs: Date.now },
    partitionOf: parts.partitionOf,
    onChange: (episodeId) => alerting?.routes.verdictChanged(episodeId),
    firing: () => alerting?.routes.firing() ?? [],
    signal: stopping.signal,
  })
  context.onClose('feedback', feedback.stop)
  const opened = feedback
  const podEvents = topicName(prefix, 'pod-events')
  const following = await followPods({ log, topic: podEvents, memory: pods, logger, onFatal: context.fail })
  context.onClose('pods', following.stop)
  alerting = await first.run(opened, stopping.signal)
  watchConsuming(context.health, 'alerts', { lastActivityMs: () => alerting?.routes.lastActivityMs() })
  context.onClose('alerting', async () => {
    stopping.abort()
    await alerting?.stop()
  })
  context.takeLive({
    keys: liveKeys.map((key) => `alerter.${key}`),
    prepare: (next) => {
      const prepared = prepareAlerting(next.alerter, parts)
      return async (signal) => {
        await alerting?.stop()
        alerting = await prepared.run(opened, AbortSignal.any([signal, stopping.signal]))
      }
    },
  })
}

/** The anomaly records of an entity share a partition. */
function partitionOfAlert(partitions: number): PartitionOf {
  return ({ entityKey }) => partitionOf(Buffer.from(entityKey, 'hex'), partitions)
}

function topicsOf(prefix: string): AlertTopics {
  return {
    anomalies: topicName(prefix, 'anomalies'),
    feedback: topicName(prefix, 'feedback'),
    mutes: topicName(prefix, 'mutes'),
    alerts: topicName(prefix, 'alerts'),
    state: topicName(prefix, 'alert-state'),
    notifications: topicName(prefix, 'notifications'),
    deadLetters: topicName(prefix, 'dead-letters'),
  }
}
