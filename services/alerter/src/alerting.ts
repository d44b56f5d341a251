/**
 * The two stages with all that the configuration says about them: they run on one configuration, and are run anew on another.
 *
 * Between the two nothing is told for the seconds in which the partitions are opened again; what comes meanwhile waits on the log. Memory stands
 * on the log, so what was told and what is pending is the same before and after.
 */

import type { Mute } from '@lapwing/alerting/mute'
import { everyRoute } from '@lapwing/alerting/routing'
import type { PartitionOf } from '@lapwing/alerting/slack-buttons'
import type { Consumption, Log } from '@lapwing/stream/log'
import type { StageObserver } from '@lapwing/stream/stage'
import { runStage } from '@lapwing/stream/stage'
import type { Logger } from 'pino'
import { decodeSeries, readSnapshots, seriesStateKey, statesBelow } from './alert-state.ts'
import type { AlerterConfig } from './config.ts'
import type { OpenFeedback } from './feedback/open-feedback.ts'
import type { AlerterMetrics } from './metrics.ts'
import { type MuteSource, openMuteSource } from './mute-source.ts'
import type { AlerterTopics } from './outcome-writer.ts'
import type { PodsOf } from './pod-source.ts'
import type { Receiver } from './receiver.ts'
import { createReceivers } from './receivers.ts'
import { followRecordedMutes } from './recorded-mutes.ts'
import { type AlertRoute, routingTree } from './route-config.ts'
import type { RouteSetup } from './route-partition.ts'
import { decisionPolicy, routePolicy } from './route-policy.ts'
import { type RouteStage, runRouteStage } from './route-stage.ts'
import { createSeriesStep } from './series-step.ts'
import { whenLogAnswers } from './when-log-answers.ts'

export interface AlertTopics extends AlerterTopics {
  readonly anomalies: string
  readonly feedback: string
  readonly mutes: string
}

/** What stays whatever the configuration of the alerter becomes. */
export interface AlertingParts {
  readonly log: Log
  readonly topics: AlertTopics
  /** Names of the consumer groups begin with it. */
  readonly prefix: string
  readonly partitions: number
  readonly partitionOf: PartitionOf
  readonly podsOf: PodsOf
  readonly metrics: AlerterMetrics
  readonly observer: StageObserver
  readonly logger: Logger
  /** Alertmanager answered: its silences. */
  onSilences(silences: readonly Mute[]): void
  onFatal(error: Error): void
}

/** Settings of `alerter` that a running one can change. */
export const liveKeys = [
  ...[
    'slack_webhook_url',
    'slack_bot_token',
    'slack_channel',
    'slack_api_url',
    'alertmanager_url',
    'minimum_severity',
    'page_url',
  ],
  ...[
    'prometheus_url',
    'prometheus_page_url',
    'runbook_url',
    'resend_interval',
    'flapping_window',
    'flapping_hold',
    'mutes_file',
  ],
  ...['silences_interval', 'reopen_window', 'together_within', 'broad_series', 'receivers', 'route'],
] as const satisfies readonly (keyof AlerterConfig)[]

export interface Alerting {
  readonly receivers: readonly Receiver[]
  readonly routes: RouteStage
  stop(): Promise<void>
}

/** Ready to run: everything that the configuration can have wrong has been looked at. */
export interface PreparedAlerting {
  readonly receivers: readonly Receiver[]
  /** Rejects with a LogError, or when `signal` says so. */
  run(feedback: OpenFeedback, signal: AbortSignal): Promise<Alerting>
  /** Instead of `run`. */
  discard(): void
}

/** Throws ConfigError for a file of mutes that cannot be used, and an Error for a secret that is no address. */
export function prepareAlerting(config: AlerterConfig, parts: AlertingParts): PreparedAlerting {
  let routes: RouteStage | undefined
  const mutes = openMutes(config, parts, () => routes?.mutesChanged())
  const groups = receiversOf(config, parts, mutes)
  const receivers = [...groups.values()].flat()
  const discard = () => {
    mutes.close()
    for (const receiver of receivers) receiver.close()
  }
  const run = async (feedback: OpenFeedback, signal: AbortSignal): Promise<Alerting> => {
    parts.metrics.introduce(receivers)
    const tree = routingTree(config.route)
    const recorded = await followMutes(parts, mutes, signal)
    const stopTelling = async () => {
      await routes?.stop()
      await recorded.stop()
    }
    routes = await runRoutes({ ...parts, tree, config, groups, mutes, feedback })
    const series = await runSeries({ ...parts, tree, config, signal }).catch(async (error: unknown) => {
      await stopTelling()
      throw error
    })
    const stop = async () => {
      await series.stop()
      await stopTelling()
      discard()
    }
    return { receivers, routes, stop }
  }
  return { receivers, run, discard }
}

function openMutes(config: AlerterConfig, parts: AlertingParts, onChange: () => void): MuteSource {
  return openMuteSource({
    file: config.mutes_file,
    alertmanagerUrl: config.alertmanager_url,
    silencesIntervalMs: config.silences_interval.ms,
    logger: parts.logger,
    onChange,
    onSilences: parts.onSilences,
    onRefused: parts.metrics.mutesRefused,
    nowMs: Date.now,
  })
}

/** Before anything is told, those that were given until now are known. */
function followMutes(
  { log, topics, logger, onFatal }: AlertingParts,
  mutes: MuteSource,
  signal: AbortSignal,
): Promise<Consumption> {
  const options = { log, logger, onFatal, topic: topics.mutes, onChange: mutes.takeRecorded, nowMs: Date.now }
  return whenLogAnswers(() => followRecordedMutes(options), { logger, signal })
}

function receiversOf(config: AlerterConfig, parts: AlertingParts, mutes: MuteSource): ReadonlyMap<string, readonly Receiver[]> {
  try {
    return createReceivers(config, parts)
  } catch (error) {
    mutes.close()
    throw error
  }
}

interface Routes extends AlertingParts {
  readonly tree: AlertRoute
  readonly config: AlerterConfig
  readonly groups: ReadonlyMap<string, readonly Receiver[]>
  readonly mutes: MuteSource
  readonly feedback: OpenFeedback
}

function runRoutes({
  log,
  topics,
  prefix,
  metrics,
  observer,
  logger,
  onFatal,
  mutes,
  feedback,
  ...setup
}: Routes): Promise<RouteStage> {
  return runRouteStage({
    ...{ log, topics, mutes, verdictOf: feedback.verdictOf, metrics, observer, logger, onFatal },
    setupOf: routeSetups(setup),
    group: `${prefix}-alerter-routes`,
    nowMs: Date.now,
    random: Math.random,
  })
}

/** Of a route by its name; one that is no longer configured is served as the root is. */
function routeSetups({ tree, config, groups }: Pick<Routes, 'tree' | 'config' | 'groups'>): (name: string) => RouteSetup {
  const setupOf = (route: AlertRoute): RouteSetup => ({
    receivers: groups.get(route.receiver)!,
    policy: routePolicy(route, config),
  })
  const setups = new Map([...everyRoute(tree)].map((route) => [route.name, setupOf(route)]))
  return (name) => setups.get(name) ?? setups.get(tree.name)!
}

interface Series extends AlertingParts {
  readonly tree: AlertRoute
  readonly config: AlerterConfig
  readonly signal: AbortSignal
}

function runSeries({
  log,
  topics,
  prefix,
  partitions,
  metrics,
  observer,
  logger,
  onFatal,
  tree,
  config,
  signal,
}: Series): Promise<Consumption> {
  const policy = decisionPolicy(config)
  const onDamaged = (key: string, error: Error) => {
    metrics.stateDamaged()
    logger.error({ key }, `alert state left out: ${error.message}`)
  }
  return runStage({
    ...{ log, observer, deadLetters: topics.deadLetters, service: 'alerter', onFatal },
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
