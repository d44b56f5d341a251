/**
 * The second stage for one partition of the alerts topic: what is true of each alert, and one loop per route and receiver that
 * tells it.
 *
 * It opens by taking the fence, so that a former owner can write no more, and reading its memory from the log, before the first
 * record, and its loops begin at once: an alert that fires must be told again to Alertmanager even if no record ever comes. It
 * closes when the partition goes to somebody else.
 */
import { digestDueAtMs, emptyDigest, withLeftOut } from '@lapwing/alerting/digest'
import { withSent } from '@lapwing/alerting/limits'
import { DecodeError, decode } from '@lapwing/contracts/codec'
import type { Log, LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import type { Step } from '@lapwing/stream/stage'
import type { Logger } from 'pino'
import { encodeTracked, readSnapshots, routesIn, stateKeys } from './alert-state.ts'
import { type Committer, openCommitter } from './committer.ts'
import { defaultRoute } from './decide-alert.ts'
import { type DeliveryLoop, type DigestKeeper, startDeliveryLoop } from './delivery-loop.ts'
import { createDeliveryTraces, type DeliveryTraces } from './delivery-traces.ts'
import type { FiringAlert } from './feedback/silence-verdicts.ts'
import type { AlerterMetrics } from './metrics.ts'
import { type AlerterTopics, writeOutcomes } from './outcome-writer.ts'
import type { Receiver } from './receiver.ts'
import { acceptAlert, judgedAnew, pendingCount, type RouteAlerts, type VerdictOf, wakeAll } from './route-alerts.ts'
import { forgetFinished, restoreRoute } from './route-memory.ts'
import { type Mutes, planRoute, type RoutePolicy } from './route-plan.ts'

/** What is configured for a route. */
export interface RouteSetup {
  readonly policy: RoutePolicy
  readonly receivers: readonly Receiver[]
}

export interface RoutePartitionOptions {
  readonly log: Log
  /** Unique for the group; the partition is added. */
  readonly fencePrefix: string
  readonly partition: number
  readonly topics: AlerterTopics
  /** Of a route by its name; of the root for one that is no longer configured. */
  setupOf(route: string): RouteSetup
  readonly mutes: Mutes
  readonly verdictOf: VerdictOf
  readonly metrics: AlerterMetrics
  readonly logger: Logger
  /** True while older records are still being read. */
  behind(): boolean
  nowMs(): number
  /** 0 to 1. */
  random(): number
  onFatal(error: Error): void
}

export interface RoutePartition {
  readonly step: Step
  /** Records without an outcome for this receiver. */
  pending(receiver: string): number
  /** Records came, or may be acted on now. */
  ring(): void
  /** The mutes changed: everything held is looked at again. */
  mutesChanged(): void
  /** Something else is said of this episode now. */
  verdictChanged(episodeId: string): void
  /** The alerts that fire and that people are told of. */
  firing(): Generator<FiringAlert>
  stop(): Promise<void>
}

interface OpenRoute {
  readonly name: string
  readonly setup: RouteSetup
  readonly alerts: RouteAlerts
  readonly loops: readonly DeliveryLoop[]
}

export async function openRoutePartition(options: RoutePartitionOptions): Promise<RoutePartition> {
  const { log, partition, topics, logger, nowMs, onFatal } = options
  const stopping = new AbortController()
  const fenceId = `${options.fencePrefix}-${partition}`
  const committer = await openCommitter({ log, fenceId, logger, signal: stopping.signal })
  const snapshots = await readSnapshots(log, topics.state, partition).catch(async (error: unknown) => {
    await committer.close()
    throw error
  })
  const routes = new Map<string, OpenRoute>()
  const traces = createDeliveryTraces()
  const openNamed = (name: string) => {
    const route = routes.get(name) ?? openRoute(name, snapshots, { ...options, committer, traces })
    routes.set(name, route)
    return route
  }
  for (const name of routesIn(snapshots)) openNamed(name)
  if ([...snapshots.keys()].some((key) => key.startsWith(stateKeys(defaultRoute).alert('')))) openNamed(defaultRoute)
  const housekeeping = setInterval(() => {
    for (const { name, alerts, setup } of routes.values()) {
      const members = { receivers: setup.receivers, incident: setup.policy.incident }
      const place = { topic: topics.state, partition, route: name }
      void forgetFinished(alerts, place, members, { committer, nowMs: nowMs() }).catch(onFatal)
    }
  }, housekeepingMs)
  const ring = () => {
    for (const { loops } of routes.values()) for (const loop of loops) loop.ring()
  }
  return {
    step: { process: (record, emit) => acceptRecord(record, emit, openNamed, { ...options, traces }) },
    pending: (receiver) => [...routes.values()].reduce((sum, { alerts }) => sum + pendingCount(alerts, receiver), 0),
    ring,
    mutesChanged: () => {
      for (const { alerts } of routes.values()) wakeAll(alerts)
      ring()
    },
    verdictChanged: (episodeId) => {
      for (const { alerts } of routes.values()) judgedAnew(alerts, episodeId)
      ring()
    },
    *firing() {
      for (const { alerts } of routes.values()) yield* firingAlerts(alerts)
    },
    stop: async () => {
      clearInterval(housekeeping)
      const grace = setTimeout(() => stopping.abort(), writeGraceMs)
      await Promise.all([...routes.values()].flatMap(({ loops }) => loops.map((loop) => loop.stop())))
      clearTimeout(grace)
      for (const { name, setup, alerts } of routes.values())
        for (const { name: receiver } of setup.receivers)
          options.metrics.handedBack(placeOf(partition, name), receiver, pendingCount(alerts, receiver))
      await committer.close()
    },
  }
}

function placeOf(partition: number, route: string): string {
  return `${partition}/${route}`
}

function* firingAlerts({ alerts, verdictOf }: RouteAlerts): Generator<FiringAlert> {
  for (const [id, { alert, records }] of alerts) {
    if (alert.state === 'firing' && records.some(({ decision }) => decision === 'notify')) yield { alert, said: verdictOf(id) }
  }
}

const housekeepingMs = 60_000
/** How long a note may wait for the log when the partition closes; a note that is lost repeats one message. */
const writeGraceMs = 4000

interface OpenOptions extends RoutePartitionOptions {
  readonly committer: Committer
  readonly traces: DeliveryTraces
}

function openRoute(name: string, snapshots: ReadonlyMap<string, Uint8Array>, options: OpenOptions): OpenRoute {
  const { metrics, logger } = options
  const setup = options.setupOf(name)
  const onDamaged = (key: string, error: Error) => {
    metrics.stateDamaged()
    logger.error({ key }, `alert state left out: ${error.message}`)
  }
  const members = { receivers: setup.receivers, incident: setup.policy.incident, verdictOf: options.verdictOf }
  const alerts = restoreRoute(snapshots, name, members, onDamaged)
  const place = placeOf(options.partition, name)
  for (const { name: receiver } of setup.receivers) metrics.takenOver(place, receiver, pendingCount(alerts, receiver))
  const loops = setup.receivers.map((receiver) => startLoop(receiver, { name, setup, alerts }, options))
  return { name, setup, alerts, loops }
}

function startLoop(receiver: Receiver, { name, setup, alerts }: Omit<OpenRoute, 'loops'>, options: OpenOptions): DeliveryLoop {
  const { metrics, logger, behind, nowMs, random, onFatal, mutes } = options
  const { policy } = setup
  const place = { ...options, route: alerts, name }
  const limits = receiver.limits && { budget: policy.budget, rateLimit: receiver.limits.rateLimit }
  return startDeliveryLoop({
    ...{ receiver: options.traces.through(receiver), route: alerts, behind, nowMs, random, onFatal },
    plan: (atMs) => planRoute(alerts, { receiver, policy, mutes }, atMs),
    digest: digestKeeper(receiver, { name, setup, alerts }),
    onSent: (atMs) => {
      const book = alerts.receivers.get(receiver.name)!
      if (limits) book.sentAtMs = withSent(book.sentAtMs, atMs, limits)
      if (policy.budget && limits) metrics.threshold(name, receiver.name, book.sentAtMs, policy.budget, atMs)
    },
    write: (notes, itemIds) => writeOutcomes(receiver.name, notes, itemIds, { ...place, commit: options.committer.commit }),
    writeSoon: (notes, itemIds) =>
      writeOutcomes(receiver.name, notes, itemIds, { ...place, commit: options.committer.commitSoon }),
    onFailure: (error) => {
      metrics.failed(receiver.name, error.code)
      logger.warn({ receiver: receiver.name, code: error.code }, error.message)
    },
  })
}

/** Only for receivers that read digests, on routes that ask for them. */
function digestKeeper(receiver: Receiver, { name, setup, alerts }: Omit<OpenRoute, 'loops'>): DigestKeeper {
  const everyMs = receiver.tellDigest ? setup.policy.digestMs : 0
  const book = alerts.receivers.get(receiver.name)!
  const dueAtMs = () => (book.digest ? digestDueAtMs(book.digest, everyMs) : Number.POSITIVE_INFINITY)
  return {
    ...{ route: name, dueAtMs },
    leftOut: (settlements, nowMs) => {
      if (everyMs > 0)
        book.digest = withLeftOut(book.digest ?? emptyDigest(nowMs), settlements, (id) => alerts.alerts.get(id)?.alert)
    },
    due: (nowMs) => (dueAtMs() <= nowMs ? book.digest : undefined),
    told: (nowMs) => {
      book.digest = emptyDigest(nowMs)
    },
  }
}

/** Every record is written again, repeated ones too: the snapshot of the first time may not have reached the log. */
function acceptRecord(
  record: LogRecord,
  emit: (output: OutgoingRecord) => void,
  openNamed: (name: string) => OpenRoute,
  { partition, topics, metrics, traces }: RoutePartitionOptions & { readonly traces: DeliveryTraces },
): void {
  const alert = decode('Alert', record.value ?? new Uint8Array())
  if (alert.state === 'unknown' || alert.decision === 'unknown') {
    throw new DecodeError('malformed', 'an alert in a state, or with a decision, that this version does not know')
  }
  const { name, alerts, setup } = openNamed(alert.route)
  const { alertIds, records } = acceptAlert(alerts, alert, { offset: Number(record.offset), writtenAtMs: record.timestampMs })
  for (const receiver of setup.receivers) metrics.accepted(receiver.name, records)
  traces.note(alertIds)
  for (const id of alertIds) {
    const key = Buffer.from(stateKeys(name).alert(id))
    emit({ topic: topics.state, partition, key, value: encodeTracked(alerts.alerts.get(id)!) })
  }
}
