/** The alerter: anomalies in, receivers told. The composition of its two stages; decisions stand in the files it puts together. */
import { flappingPolicy } from '@lapwing/alerting/flapping'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import type { ServiceConfig } from '@lapwing/service/run-process'
import type { ServiceContext } from '@lapwing/service/run-service'
import { createStageMetrics } from '@lapwing/service/stage-metrics'
import type { Consumption, Log } from '@lapwing/stream/log'
import { openTopics } from '@lapwing/stream/open-topics'
import { runStage, type StageObserver } from '@lapwing/stream/stage'
import { decodeSeries, readSnapshots, stateKeys, statesBelow } from './alert-state.ts'
import { createAlertmanagerReceiver } from './alertmanager-receiver.ts'
import type { AlerterConfig, alerterSchema } from './config.ts'
import { createLogReceiver } from './log-receiver.ts'
import { type AlerterMetrics, createAlerterMetrics } from './metrics.ts'
import type { AlerterTopics } from './outcome-writer.ts'
import type { Receiver } from './receiver.ts'
import { type RouteStage, runRouteStage } from './route-stage.ts'
import { createSeriesStep } from './series-step.ts'
import { createSlackReceiver } from './slack-receiver.ts'
import { whenLogAnswers } from './when-log-answers.ts'

type AlerterContext = ServiceContext<ServiceConfig<'alerter', typeof alerterSchema>>

export async function startAlerter(context: AlerterContext, log: Log): Promise<void> {
  const { topic_prefix: prefix, partitions } = context.config.kafka
  const topics = topicsOf(prefix)
  const receivers = createReceivers(context)
  let routes: RouteStage | undefined
  const metrics = createAlerterMetrics(context.registry, receivers, (receiver) => routes?.pending(receiver) ?? 0)
  const observer = createStageMetrics(context.registry)
  context.onClose('receivers', async () => {
    for (const receiver of receivers) receiver.close()
  })
  await context.listen()
  await openTopics(log, topicSpecs(prefix, partitions), context)

  routes = await runRouteStage({
    ...{ log, topics, receivers, metrics, observer, logger: context.logger, onFatal: context.fail },
    group: `${prefix}-alerter-routes`,
    nowMs: Date.now,
    random: Math.random,
  })
  context.onClose('routes', routes.stop)
  const stopping = new AbortController()
  const series = await runSeriesStage(context, log, topics, { metrics, observer, signal: stopping.signal })
  context.onClose('series', async () => {
    stopping.abort()
    await series.stop()
  })
}

interface AlertTopics extends AlerterTopics {
  readonly anomalies: string
}

function topicsOf(prefix: string): AlertTopics {
  return {
    anomalies: topicName(prefix, 'anomalies'),
    alerts: topicName(prefix, 'alerts'),
    state: topicName(prefix, 'alert-state'),
    notifications: topicName(prefix, 'notifications'),
    deadLetters: topicName(prefix, 'dead-letters'),
  }
}

const requestTimeoutMs = 10_000

function createReceivers({ config, logger }: AlerterContext): Receiver[] {
  const { slack_webhook_url, alertmanager_url, page_url: pageUrl, resend_interval, flapping_hold }: AlerterConfig = config.alerter
  const flappingHoldMs = flapping_hold.ms
  const receivers = [createLogReceiver(logger, flappingHoldMs)]
  if (slack_webhook_url.reveal() !== '') {
    receivers.push(createSlackReceiver({ webhookUrl: slack_webhook_url, pageUrl, flappingHoldMs, timeoutMs: requestTimeoutMs }))
  }
  if (alertmanager_url !== '') {
    const resendMs = resend_interval.ms
    receivers.push(
      createAlertmanagerReceiver({
        url: alertmanager_url,
        pageUrl,
        resendMs,
        flappingHoldMs,
        timeoutMs: requestTimeoutMs,
        nowMs: Date.now,
      }),
    )
  }
  return receivers
}

function runSeriesStage(
  { config, logger, fail }: AlerterContext,
  log: Log,
  topics: AlertTopics,
  { metrics, observer, signal }: { metrics: AlerterMetrics; observer: StageObserver; signal: AbortSignal },
): Promise<Consumption> {
  const { topic_prefix: prefix, partitions } = config.kafka
  const policy = { minimumSeverity: config.alerter.minimum_severity, flapping: flappingPolicy(config.alerter.flapping_window.ms) }
  const onDamaged = (key: string, error: Error) => {
    metrics.stateDamaged()
    logger.error({ key }, `alert state left out: ${error.message}`)
  }
  return runStage({
    ...{ log, observer, deadLetters: topics.deadLetters, service: 'alerter', onFatal: fail },
    group: `${prefix}-alerter-series`,
    inputs: [topics.anomalies],
    createStep: async (partition) => {
      const snapshots = await whenLogAnswers(() => readSnapshots(log, topics.state, partition), { logger, signal })
      const known = statesBelow(snapshots, stateKeys.series(''), decodeSeries, onDamaged)
      return createSeriesStep({ policy, partition, partitions, alertsTopic: topics.alerts, stateTopic: topics.state }, known)
    },
  })
}
