/**
 * The alerts of a route in memory, the incidents they make, and what each receiver saw of them.
 *
 * A receiver is driven item by item: an item is an alert, or an incident in the form of one; an alert that is not let through yet is
 * an item of its own for both kinds. Each item has a time before which there is nothing to do for it, so a plan looks at what
 * changed or is due and not at everything.
 *
 * Bounded by what goes on: an alert is forgotten some time after its end, once every receiver is done with it. Should a record
 * about it come later still, it is told as what it says it is: over.
 */
import type { Digest } from '@lapwing/alerting/digest'
import { type IncidentPolicy, incidentAlert } from '@lapwing/alerting/incident'
import { isFinished, noProgress, type Progress, type ReceiverPolicy, unsettled } from '@lapwing/alerting/reconcile'
import { accept, endedBy, isLater, type LogPlace, pruned, type TrackedAlert } from '@lapwing/alerting/tracked-alert'
import { asJudged, type SaidVerdict } from '@lapwing/alerting/verdict'
import type { Alert } from '@lapwing/contracts/records'

export interface RouteAlerts {
  readonly alerts: Map<string, TrackedAlert>
  /** Ids of the alerts of each series, by its key. */
  readonly bySeries: Map<string, Set<string>>
  readonly incidents: Map<string, Incident>
  /** Id of the incident that an alert is in, by the alert's. */
  readonly incidentOf: Map<string, string>
  /** Id of the newest incident of each topology key. */
  readonly newestOfKey: Map<string, string>
  /** Ids of the incidents that opened last, oldest first, at most `comparedIncidents`. */
  recentIncidents: readonly string[]
  /** When each topology fell ill, the one that did last at the end. */
  readonly startsOfKey: Map<string, readonly number[]>
  /** Those of which the starts are to be written. */
  readonly changedStarts: Set<string>
  /** Alerts that are not let through, with the time to look at them again. */
  readonly waiting: Map<string, number>
  readonly receivers: Map<string, ReceiverBook>
  /** Receivers that are no longer configured, of which something is remembered. */
  readonly formerReceivers: Set<string>
  readonly verdictOf: VerdictOf
}

/** The newest verdict on an episode. */
export type VerdictOf = (episodeId: string) => SaidVerdict | undefined

export interface Incident {
  readonly id: string
  /** Of the topologies in it. */
  readonly keys: Set<string>
  readonly openedAtMs: number
  /** In the order of joining. */
  readonly memberIds: Set<string>
  /** The incident as an alert, as receivers are to believe it; undefined when a member, or what is said of one, changed since. */
  asAlert: TrackedAlert | undefined
}

export interface ReceiverBook {
  readonly unit: 'alert' | 'incident'
  /** By the id of the item. */
  readonly progress: Map<string, Progress>
  /** Nothing is to be done for an item before this time. */
  readonly quietUntilMs: Map<string, number>
  /** Times of what it was told, oldest first, as far as limits ask for them. */
  sentAtMs: readonly number[]
  /** What it was not told since the last digest; undefined before the first. */
  digest: Digest | undefined
}

/** A receiver as far as the memory depends on it. */
export interface ReceiverUnit {
  readonly name: string
  readonly unit: 'alert' | 'incident'
}

export function emptyRoute(receivers: readonly ReceiverUnit[], verdictOf: VerdictOf = () => undefined): RouteAlerts {
  const bookOf = ({ name, unit }: ReceiverUnit): [string, ReceiverBook] => [name, emptyBook(unit)]
  return {
    ...{ alerts: new Map(), bySeries: new Map(), incidents: new Map(), incidentOf: new Map() },
    ...{ recentIncidents: [], startsOfKey: new Map(), changedStarts: new Set() },
    ...{ newestOfKey: new Map(), waiting: new Map(), formerReceivers: new Set(), verdictOf },
    receivers: new Map(receivers.map(bookOf)),
  }
}

function emptyBook(unit: ReceiverBook['unit']): ReceiverBook {
  return { unit, progress: new Map(), quietUntilMs: new Map(), sentAtMs: [], digest: undefined }
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
  if (after !== before) keep(route, after)
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

/** So many are compared with what falls ill, however many are open. */
const comparedIncidents = 50

export function openIncident(route: RouteAlerts, opened: Pick<Incident, 'id' | 'openedAtMs'>): Incident {
  const incident: Incident = { ...opened, keys: new Set(), memberIds: new Set(), asAlert: undefined }
  route.incidents.set(incident.id, incident)
  route.recentIncidents = [...route.recentIncidents.slice(1 - comparedIncidents), incident.id]
  return incident
}

/** What was settled of the alert alone is settled in the incident. One that a receiver refused is tried again with what is new. */
export function addToIncident(route: RouteAlerts, incident: Incident, alertId: string, key: string): void {
  incident.memberIds.add(alertId)
  incident.keys.add(key)
  const newest = route.incidents.get(route.newestOfKey.get(key) ?? '')
  if (!newest || newest.openedAtMs <= incident.openedAtMs) route.newestOfKey.set(key, incident.id)
  route.incidentOf.set(alertId, incident.id)
  route.waiting.delete(alertId)
  for (const book of route.receivers.values()) {
    const alone = book.progress.get(alertId)
    if (book.unit === 'alert' || alertId === incident.id) continue
    book.quietUntilMs.delete(alertId)
    book.progress.delete(alertId)
    const joined = book.progress.get(incident.id) ?? noProgress
    const settled = alone ? [...new Set([...joined.settled, ...alone.settled])] : joined.settled
    book.progress.set(incident.id, { ...joined, settled, refused: null })
  }
  touch(route, alertId)
}

export function membersOf(route: RouteAlerts, { memberIds }: Incident): TrackedAlert[] {
  return [...memberIds].map((id) => route.alerts.get(id)!)
}

/** Something else is said of an alert now, or the time of what was said is over. */
export function judgedAnew(route: RouteAlerts, alertId: string): void {
  if (!route.alerts.has(alertId)) return
  if (!route.incidentOf.has(alertId)) route.waiting.set(alertId, Number.NEGATIVE_INFINITY)
  touch(route, alertId)
}

/** What an item is and what it stands for. */
export interface Item {
  /** As receivers are to believe it. */
  readonly tracked: TrackedAlert
  /** Undefined for an alert. */
  readonly incident: Incident | undefined
}

/** The item of this id for receivers of this kind; undefined when it is no more. */
export function itemOf(
  route: RouteAlerts,
  unit: ReceiverBook['unit'],
  id: string,
  { policy, nowMs }: { policy: IncidentPolicy; nowMs: number },
): Item | undefined {
  const incident = unit === 'incident' ? route.incidents.get(id) : undefined
  if (!incident) {
    const tracked = route.alerts.get(id)
    return tracked && { tracked: asJudged(tracked, route.verdictOf(id), nowMs), incident }
  }
  incident.asAlert ??= incidentAlert(id, judgedMembers(route, incident, nowMs), policy)
  return { tracked: incident.asAlert, incident }
}

function judgedMembers(route: RouteAlerts, incident: Incident, nowMs: number): TrackedAlert[] {
  return membersOf(route, incident).map((tracked) => asJudged(tracked, route.verdictOf(tracked.alert.id), nowMs))
}

/** Id of the item that an alert belongs to. */
export function itemIdOf(route: RouteAlerts, unit: ReceiverBook['unit'], alertId: string): string {
  return unit === 'incident' ? (route.incidentOf.get(alertId) ?? alertId) : alertId
}

export function progressOf(route: RouteAlerts, receiver: string, itemId: string): Progress {
  return route.receivers.get(receiver)?.progress.get(itemId) ?? noProgress
}

/** Notes how far a receiver is; the item is looked at again. */
export function setProgress(route: RouteAlerts, receiver: string, itemId: string, progress: Progress): void {
  const book = route.receivers.get(receiver)!
  book.progress.set(itemId, progress)
  book.quietUntilMs.set(itemId, Number.NEGATIVE_INFINITY)
}

/** Everything is looked at again: what decides about holds has changed. */
export function wakeAll(route: RouteAlerts): void {
  for (const id of route.waiting.keys()) route.waiting.set(id, Number.NEGATIVE_INFINITY)
  for (const { quietUntilMs } of route.receivers.values()) {
    for (const id of quietUntilMs.keys()) quietUntilMs.set(id, Number.NEGATIVE_INFINITY)
  }
}

/** Records without an outcome for this receiver. */
export function pendingCount(route: RouteAlerts, receiver: string): number {
  const book = route.receivers.get(receiver)
  if (!book) return 0
  const settledOf = new Map<string, ReadonlySet<string>>()
  let count = 0
  for (const [id, { records }] of route.alerts) {
    const itemId = itemIdOf(route, book.unit, id)
    const settled = settledOf.get(itemId) ?? new Set(book.progress.get(itemId)?.settled)
    settledOf.set(itemId, settled)
    for (const record of records) if (!settled.has(record.id)) count++
  }
  return count
}

/** What forgetting depends on. */
export interface ForgetPolicy {
  readonly receivers: ReadonlyMap<string, ReceiverPolicy>
  readonly incident: IncidentPolicy
}

/** The alerts that every receiver is done with and that ended long enough ago. */
export function forgettable(route: RouteAlerts, policy: ForgetPolicy, nowMs: number): TrackedAlert[] {
  const keepMs = Math.max(keepFinishedMs, policy.incident.reopenMs)
  return [...route.alerts.values()].filter(
    (tracked) =>
      nowMs > (tracked.alert.endedAtMs ?? Number.POSITIVE_INFINITY) + keepMs &&
      [...policy.receivers].every(([name, receiver]) => isDone(route, name, tracked, { receiver, policy, nowMs })),
  )
}

/** Long enough to recognise what a restarted sender sends again. */
const keepFinishedMs = 3_600_000

function isDone(
  route: RouteAlerts,
  name: string,
  alone: TrackedAlert,
  { receiver, policy, nowMs }: { receiver: ReceiverPolicy; policy: ForgetPolicy; nowMs: number },
): boolean {
  const { unit } = route.receivers.get(name)!
  const id = itemIdOf(route, unit, alone.alert.id)
  const progress = progressOf(route, name, id)
  const item = itemOf(route, unit, id, { policy: policy.incident, nowMs })!
  if (item.incident && item.tracked.alert.state === 'firing') return unsettled(alone, progress).length === 0
  return isFinished(item.tracked, progress, receiver, nowMs)
}

export function forget(route: RouteAlerts, id: string): void {
  const tracked = route.alerts.get(id)
  const seriesKey = tracked?.alert.seriesKey ?? ''
  leaveIncident(route, id, new Set(tracked?.records.map((record) => record.id)))
  route.alerts.delete(id)
  route.waiting.delete(id)
  route.bySeries.get(seriesKey)?.delete(id)
  if (route.bySeries.get(seriesKey)?.size === 0) route.bySeries.delete(seriesKey)
  for (const { unit, progress, quietUntilMs } of route.receivers.values()) {
    if (unit === 'incident' && route.incidents.has(id)) continue
    progress.delete(id)
    quietUntilMs.delete(id)
  }
}

/** An incident that nobody is in any more is forgotten with its last member. */
function leaveIncident(route: RouteAlerts, alertId: string, recordIds: ReadonlySet<string>): void {
  const incident = route.incidents.get(route.incidentOf.get(alertId) ?? '')
  if (!incident) return
  route.incidentOf.delete(alertId)
  incident.memberIds.delete(alertId)
  incident.asAlert = undefined
  const over = incident.memberIds.size === 0
  if (over) {
    route.incidents.delete(incident.id)
    for (const key of incident.keys) if (route.newestOfKey.get(key) === incident.id) route.newestOfKey.delete(key)
  }
  for (const book of route.receivers.values()) {
    if (book.unit === 'alert') continue
    if (over) {
      book.progress.delete(incident.id)
      book.quietUntilMs.delete(incident.id)
    } else dropSettled(book, incident.id, recordIds)
  }
}

/** Drops what is remembered of records that all receivers settled long ago. */
export function pruneRecords(route: RouteAlerts): void {
  for (const [id, tracked] of route.alerts) {
    const kept = pruned(tracked, (recordId) =>
      [...route.receivers].every(([name, { unit }]) =>
        progressOf(route, name, itemIdOf(route, unit, id)).settled.includes(recordId),
      ),
    )
    if (kept === tracked) continue
    const dropped = new Set(tracked.records.filter((record) => !kept.records.includes(record)).map((record) => record.id))
    keep(route, kept)
    for (const book of route.receivers.values()) dropSettled(book, itemIdOf(route, book.unit, id), dropped)
  }
}

function dropSettled(book: ReceiverBook, itemId: string, recordIds: ReadonlySet<string>): void {
  const progress = book.progress.get(itemId)
  if (progress) book.progress.set(itemId, { ...progress, settled: progress.settled.filter((id) => !recordIds.has(id)) })
}

function keep(route: RouteAlerts, tracked: TrackedAlert): void {
  const { id, seriesKey } = tracked.alert
  route.alerts.set(id, tracked)
  const ids = route.bySeries.get(seriesKey)
  if (ids) ids.add(id)
  else route.bySeries.set(seriesKey, new Set([id]))
  if (!route.incidentOf.has(id)) route.waiting.set(id, Number.NEGATIVE_INFINITY)
  touch(route, id)
}

/** The alert, and the incident it is in, are looked at again. */
function touch(route: RouteAlerts, alertId: string): void {
  const incident = route.incidents.get(route.incidentOf.get(alertId) ?? '')
  if (incident) incident.asAlert = undefined
  for (const { unit, quietUntilMs } of route.receivers.values()) {
    quietUntilMs.set(itemIdOf(route, unit, alertId), Number.NEGATIVE_INFINITY)
  }
}

/** Ends all alerts of the series but the latest; the ids of those that had not ended. */
function endEarlier(route: RouteAlerts, seriesKey: string, place: LogPlace): string[] {
  const ids = route.bySeries.get(seriesKey)
  if (!ids || ids.size < 2) return []
  const latest = latestOfSeries(route, seriesKey)
  const ended: string[] = []
  for (const id of ids) {
    const tracked = route.alerts.get(id)!
    if (!latest || tracked === latest) continue
    const over = endedBy(latest.alert, place, tracked)
    if (over === tracked) continue
    keep(route, over)
    ended.push(id)
  }
  return ended
}

export function latestOfSeries(route: RouteAlerts, seriesKey: string): TrackedAlert | undefined {
  let latest: TrackedAlert | undefined
  for (const id of route.bySeries.get(seriesKey) ?? []) {
    const tracked = route.alerts.get(id)!
    if (!latest || isLater(tracked.alert, latest.alert)) latest = tracked
  }
  return latest
}
