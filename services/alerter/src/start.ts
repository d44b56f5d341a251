/** The alerter: anomalies in, receivers told. The composition of its two stages; decisions stand in the files it puts together. */
import { everyRoute } from '@lapwing/alerting/routing'
import type { PartitionOf } from '@lapwing/alerting/slack-buttons'
import { partitionOf } from '@lapwing/contracts/series'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import type { ServiceConfig } from '@lapwing/service/run-process'
import type { ServiceContext } from '@lapwing/service/run-service'
import { createStageMetrics } from '@lapwing/service/stage-metrics'
import type { Consumption, Log } from '@lapwing/stream/log'
import { openTopics } from '@lapwing/stream/open-topics'
import { runStage, type StageObserver } from '@lapwing/stream/stage'
import { decodeSeries, readSnapshots, seriesStateKey, statesBelow } from './alert-state.ts'
import type { AlerterConfig, alerterSchema } from './config.ts'
import { addFeedbackRoutes } from './feedback/feedback-routes.ts'
import { type OpenFeedback, openFeedback } from './feedback/open-feedback.ts'
import { type AlerterMetrics, createAlerterMetrics } from './metrics.ts'
import { openMuteSource } from './mute-source.ts'
import type { AlerterTopics } from './outcome-writer.ts'
import type { Receiver } from './receiver.ts'
import { createReceivers } from './receivers.ts'
import { type AlertRoute, routingTree } from './route-config.ts'
import type { RouteSetup } from './route-partition.ts'
import { decisionPolicy, routePolicy } from './route-policy.ts'
import { type RouteStage, runRouteStage } from './route-stage.ts'
import { createSeriesStep } from './series-step.ts'
import { whenLogAnswers } from './when-log-answers.ts'

type AlerterContext = ServiceContext<ServiceConfig<'alerter', typeof alerterSchema>>

export async function startAlerter(context: AlerterContext, log: Log): Promise<void> {
  const { config, logger } = context
  const { topic_prefix: prefix, partitions } = config.kafka
  const topics = topicsOf(prefix)
  const groups = createReceivers(config.alerter, { logger, partitionOf: partitionOfAlert(partitions) })
  const receivers = [...groups.values()].flat()
  let routes: RouteStage | undefined
  let feedback: OpenFeedback | undefined
  const metrics = createAlerterMetrics(context.registry, receivers, (receiver) => routes?.pending(receiver) ?? 0)
  const observer = createStageMetrics(context.registry)
  const mutes = openMuteSource({
    file: config.alerter.mutes_file,
    alertmanagerUrl: config.alerter.alertmanager_url,
    silencesIntervalMs: config.alerter.silences_interval.ms,
    logger,
    onChange: () => routes?.mutesChanged(),
    onSilences: (silences) => void feedback?.takeSilences(silences).catch(context.fail),
    onRefused: metrics.mutesRefused,
    nowMs: Date.now,
  })
  context.onClose('receivers', async () => {
    mutes.close()
    for (const receiver of receivers) receiver.close()
  })
  addFeedbackRoutes(context.http, {
    slackSigningSecret: config.alerter.slack_signing_secret,
    token: config.alerter.feedback_token,
    ...{ writer: () => feedback?.writer, metrics, logger, nowMs: Date.now },
  })
  await context.listen()
  await openTopics(log, topicSpecs(prefix, partitions), context)

  const stopping = new AbortController()
  context.onClose('waiting', async () => stopping.abort())
  feedback = await openFeedback({
    ...{ log, topics, metrics, logger, onFatal: context.fail, nowMs: Date.now },
    partitionOf: partitionOfAlert(partitions),
    onChange: (episodeId) => routes?.verdictChanged(episodeId),
    firing: () => routes?.firing() ?? [],
    signal: stopping.signal,
  })
  context.onClose('feedback', feedback.stop)
  const tree = routingTree(config.alerter.route)
  routes = await runRouteStage({
    ...{ log, topics, mutes, verdictOf: feedback.verdictOf, metrics, observer, logger, onFatal: context.fail },
    setupOf: routeSetups(tree, config.alerter, groups),
    group: `${prefix}-alerter-routes`,
    nowMs: Date.now,
    random: Math.random,
  })
  context.onClose('routes', routes.stop)
  const series = await runSeriesStage(context, log, topics, { tree, metrics, observer, signal: stopping.signal })
  context.onClose('series', async () => {
    stopping.abort()
    await series.stop()
  })
}

/** The anomaly records of an entity share a partition. */
function partitionOfAlert(partitions: number): PartitionOf {
  return ({ entityKey }) => partitionOf(Buffer.from(entityKey, 'hex'), partitions)
}

interface AlertTopics extends AlerterTopics {
  readonly anomalies: string
  readonly feedback: string
}

function topicsOf(prefix: string): AlertTopics {
  return {
    anomalies: topicName(prefix, 'anomalies'),
    feedback: topicName(prefix, 'feedback'),
    alerts: topicName(prefix, 'alerts'),
    state: topicName(prefix, 'alert-state'),
    notifications: topicName(prefix, 'notifications'),
    deadLetters: topicName(prefix, 'dead-letters'),
  }
}

/** Of a route by its name; one that is no longer configured is served as the root is. */
function routeSetups(
  tree: AlertRoute,
  config: AlerterConfig,
  groups: ReadonlyMap<string, readonly Receiver[]>,
): (name: string) => RouteSetup {
  const setupOf = (route: AlertRoute): RouteSetup => ({
    receivers: groups.get(route.receiver)!,
    policy: routePolicy(route, config),
  })
  const setups = new Map([...everyRoute(tree)].map((route) => [route.name, setupOf(route)]))
  return (name) => setups.get(name) ?? setups.get(tree.name)!
}

function runSeriesStage(
  { config, logger, fail }: AlerterContext,
  log: Log,
  topics: AlertTopics,
  {
    tree,
    metrics,
    observer,
    signal,
  }: { tree: AlertRoute; metrics: AlerterMetrics; observer: StageObserver; signal: AbortSignal },
): Promise<Consumption> {
  const { topic_prefix: prefix, partitions } = config.kafka
  const policy = decisionPolicy(config.alerter)
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
      const known = statesBelow(snapshots, seriesStateKey(''), decodeSeries, onDamaged)
      return createSeriesStep(
        { policy, route: tree, partition, partitions, alertsTopic: topics.alerts, stateTopic: topics.state },
        known,
      )
    },
  })
}
