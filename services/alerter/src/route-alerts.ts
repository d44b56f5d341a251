/**
 * The alerts of a route in memory, and what each receiver saw of them.
 *
 * Bounded by what goes on: an alert is forgotten `keepFinishedMs` after its end, once every receiver is done with it. Should a
 * record about it come later still, it is told as what it says it is: over.
 */
import {
  isFinished,
  noProgress,
  type Progress,
  type ReceiverPolicy,
  type Reconciled,
  unsettled,
} from '@lapwing/alerting/reconcile'
import { accept, endedBy, isLater, type LogPlace, pruned, type TrackedAlert } from '@lapwing/alerting/tracked-alert'
import type { Alert } from '@lapwing/contracts/records'

export interface RouteAlerts {
  readonly alerts: Map<string, TrackedAlert>
  /** Ids of the alerts of each series, by its key. */
  readonly bySeries: Map<string, Set<string>>
  /** By receiver, then by alert id. */
  readonly progress: Map<string, Map<string, Progress>>
}

export function emptyRoute(receivers: readonly string[]): RouteAlerts {
  return { alerts: new Map(), bySeries: new Map(), progress: new Map(receivers.map((receiver) => [receiver, new Map()])) }
}

/** What a record changed. */
export interface Acceptance {
  /** The alerts to write: that of the record, and those of its series that it ended. */
  readonly alertIds: readonly string[]
  /** How many records are new, the ends of other alerts included; 0 for one seen before. */
  readonly records: number
}

export function acceptAlert(route: RouteAlerts, alert: Alert, place: LogPlace): Acceptance {
  const before = route.alerts.get(alert.id)
  const after = accept(alert, place, before)
  keep(route, after)
  const ended = endEarlier(route, alert.seriesKey, place)
  return { alertIds: [...new Set([alert.id, ...ended])], records: Number(after !== before) + ended.length }
}

/** Puts alerts back that were read from the log. */
export function restoreAlerts(route: RouteAlerts, alerts: Iterable<TrackedAlert>): void {
  for (const tracked of alerts) keep(route, tracked)
  for (const [seriesKey, ids] of route.bySeries) {
    const place = route.alerts.get([...ids][0]!)!.records[0]!.place
    endEarlier(route, seriesKey, place)
  }
}

/** Every alert with what this receiver saw of it. */
export function* reconciledFor(route: RouteAlerts, receiver: string): Generator<Reconciled> {
  for (const [id, tracked] of route.alerts) {
    const latest = latestOfSeries(route, tracked.alert.seriesKey)
    yield { tracked, progress: progressOf(route, receiver, id), later: latest === tracked ? undefined : latest }
  }
}

export function progressOf(route: RouteAlerts, receiver: string, alertId: string): Progress {
  return route.progress.get(receiver)?.get(alertId) ?? noProgress
}

/** Records without an outcome for this receiver. */
export function pendingCount(route: RouteAlerts, receiver: string): number {
  let count = 0
  for (const [id, tracked] of route.alerts) count += unsettled(tracked, progressOf(route, receiver, id)).length
  return count
}

/** The alerts that every receiver is done with and that ended long enough ago. */
export function forgettable(route: RouteAlerts, policies: ReadonlyMap<string, ReceiverPolicy>, nowMs: number): TrackedAlert[] {
  const done = (tracked: TrackedAlert) =>
    [...policies].every(([receiver, policy]) => isFinished(tracked, progressOf(route, receiver, tracked.alert.id), policy, nowMs))
  return [...route.alerts.values()].filter(
    (tracked) => nowMs > (tracked.alert.endedAtMs ?? Number.POSITIVE_INFINITY) + keepFinishedMs && done(tracked),
  )
}

/** Long enough to recognise what a restarted sender sends again. */
const keepFinishedMs = 3_600_000

export function forget(route: RouteAlerts, id: string): void {
  const seriesKey = route.alerts.get(id)?.alert.seriesKey ?? ''
  route.alerts.delete(id)
  route.bySeries.get(seriesKey)?.delete(id)
  if (route.bySeries.get(seriesKey)?.size === 0) route.bySeries.delete(seriesKey)
  for (const byAlert of route.progress.values()) byAlert.delete(id)
}

/** Drops what is remembered of records that all receivers settled long ago. */
export function pruneRecords(route: RouteAlerts): void {
  for (const [id, tracked] of route.alerts) {
    const kept = pruned(tracked, (recordId) =>
      [...route.progress.values()].every((byAlert) => byAlert.get(id)?.settled.includes(recordId)),
    )
    if (kept === tracked) continue
    route.alerts.set(id, kept)
    for (const byAlert of route.progress.values()) {
      const progress = byAlert.get(id)
      if (progress)
        byAlert.set(id, {
          ...progress,
          settled: progress.settled.filter((recordId) => kept.records.some((record) => record.id === recordId)),
        })
    }
  }
}

function keep(route: RouteAlerts, tracked: TrackedAlert): void {
  const { id, seriesKey } = tracked.alert
  route.alerts.set(id, tracked)
  const ids = route.bySeries.get(seriesKey)
  if (ids) ids.add(id)
  else route.bySeries.set(seriesKey, new Set([id]))
}

/** Ends all alerts of the series but the latest; the ids of those that had not ended. */
function endEarlier(route: RouteAlerts, seriesKey: string, place: LogPlace): string[] {
  const latest = latestOfSeries(route, seriesKey)
  const ended: string[] = []
  for (const id of route.bySeries.get(seriesKey) ?? []) {
    const tracked = route.alerts.get(id)!
    if (!latest || tracked === latest) continue
    const over = endedBy(latest.alert, place, tracked)
    if (over === tracked) continue
    route.alerts.set(id, over)
    ended.push(id)
  }
  return ended
}

function latestOfSeries(route: RouteAlerts, seriesKey: string): TrackedAlert | undefined {
  let latest: TrackedAlert | undefined
  for (const id of route.bySeries.get(seriesKey) ?? []) {
    const tracked = route.alerts.get(id)!
    if (!latest || isLater(tracked.alert, latest.alert)) latest = tracked
  }
  return latest
}
