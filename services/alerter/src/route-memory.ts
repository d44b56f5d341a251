/** The memory of a route between two processes: read back when a partition is taken over, cleared of what is finished. */
import { type IncidentPolicy, incidentKey } from '@lapwing/alerting/incident'
import { noProgress } from '@lapwing/alerting/reconcile'
import {
  type DurableProgress,
  decodeProgress,
  decodeSent,
  decodeStarts,
  decodeTracked,
  encodeStarts,
  stateKeys,
  statesBelow,
} from './alert-state.ts'
import type { Committer } from './committer.ts'
import type { Receiver } from './receiver.ts'
import {
  addToIncident,
  emptyRoute,
  forget,
  forgettable,
  openIncident,
  pruneRecords,
  type RouteAlerts,
  restoreAlerts,
  type VerdictOf,
} from './route-alerts.ts'

/** Where the memory is kept. */
export interface MemoryPlace {
  readonly topic: string
  readonly partition: number
  /** Name of the route. */
  readonly route: string
}

export interface RouteMembers {
  readonly receivers: readonly Receiver[]
  readonly incident: IncidentPolicy
  readonly verdictOf?: VerdictOf
}

/** @param snapshots those of the whole partition */
export function restoreRoute(
  snapshots: ReadonlyMap<string, Uint8Array>,
  name: string,
  { receivers, incident, verdictOf }: RouteMembers,
  onDamaged: (key: string, error: Error) => void,
): RouteAlerts {
  const route = emptyRoute(receivers, verdictOf)
  const keys = stateKeys(name)
  restoreAlerts(route, statesBelow(snapshots, keys.alert(''), decodeTracked, onDamaged).values())
  for (const [receiver, book] of route.receivers) {
    const items = statesBelow(snapshots, keys.progress(receiver, ''), decodeProgress, onDamaged)
    for (const [id, { members = [] }] of items) if (members.length > 0) restoreIncident(route, id, members, incident)
    for (const [id, durable] of items) restoreProgress(book.progress, id, durable)
    Object.assign(book, statesBelow(snapshots, keys.sent(receiver), decodeSent, onDamaged).get(''))
  }
  const starts = [...statesBelow(snapshots, keys.starts(''), decodeStarts, onDamaged)]
  for (const [key, atMs] of starts.sort(([, a], [, b]) => (a.at(-1) ?? 0) - (b.at(-1) ?? 0))) route.startsOfKey.set(key, atMs)
  for (const key of snapshots.keys()) {
    const receiver = key.startsWith(keys.anyProgress) ? key.slice(keys.anyProgress.length).split('/', 1)[0]! : undefined
    if (receiver !== undefined && !route.receivers.has(receiver)) route.formerReceivers.add(receiver)
  }
  return route
}

/** Receivers may differ in what they noted of it: its members are those that any of them knows. */
function restoreIncident(route: RouteAlerts, id: string, members: readonly string[], policy: IncidentPolicy): void {
  const known = members.filter((member) => route.alerts.has(member) && !route.incidentOf.has(member))
  if (known.length === 0) return
  const first = route.alerts.get(known[0]!)!.alert
  const incident = route.incidents.get(id) ?? openIncident(route, { id, openedAtMs: first.startedAtMs })
  for (const member of known) {
    addToIncident(route, incident, member, incidentKey(route.alerts.get(member)!.alert, policy.groupBy))
  }
}

/** What was settled of a member alone may be in the incident's already. */
function restoreProgress(
  progress: Map<string, typeof noProgress>,
  id: string,
  { members: _, ...durable }: DurableProgress,
): void {
  const settled = new Set([...durable.settled, ...(progress.get(id)?.settled ?? [])])
  progress.set(id, { ...noProgress, ...durable, settled: [...settled] })
}

/**
 * The tombstones go first: an alert forgotten in memory only would come back with the next restart. One that a record came for
 * meanwhile is kept.
 */
export async function forgetFinished(
  route: RouteAlerts,
  { topic, partition, route: name }: MemoryPlace,
  { receivers, incident }: RouteMembers,
  { committer, nowMs }: { committer: Pick<Committer, 'commit'>; nowMs: number },
): Promise<void> {
  pruneRecords(route)
  const policies = new Map(receivers.map((receiver) => [receiver.name, receiver.policy]))
  const finished = forgettable(route, { receivers: policies, incident }, nowMs)
  const ids = new Set(finished.map(({ alert }) => alert.id))
  const tombstones = [...ids].flatMap((id) => keysOf(route, name, id, ids))
  const starts = takeChangedStarts(route, name)
  const gone = tombstones.map((key) => ({ key: Buffer.from(key), value: null }))
  await committer.commit([...starts, ...gone].map((each) => ({ topic, partition, ...each })))
  for (const tracked of finished) if (route.alerts.get(tracked.alert.id) === tracked) forget(route, tracked.alert.id)
}

/** What a crash loses of them is a minute's worth of hints. */
function takeChangedStarts(route: RouteAlerts, name: string): { key: Buffer; value: Buffer | null }[] {
  const changed = [...route.changedStarts]
  route.changedStarts.clear()
  return changed.map((key) => {
    const starts = route.startsOfKey.get(key)
    return { key: Buffer.from(stateKeys(name).starts(key)), value: starts ? encodeStarts(starts) : null }
  })
}

/** The keys that go with an alert. An incident bears the id of its first alert and may outlive it. */
function keysOf(route: RouteAlerts, name: string, id: string, going: ReadonlySet<string>): string[] {
  const keys = stateKeys(name)
  const incidentId = route.incidentOf.get(id)
  const isLast = (incident: string) => [...(route.incidents.get(incident)?.memberIds ?? [])].every((member) => going.has(member))
  const items = [id, ...(incidentId === undefined ? [] : [incidentId])]
  const progress = [...route.receivers].flatMap(([receiver, { unit }]) =>
    items.filter((item) => (unit === 'alert' ? item === id : isLast(item))).map((item) => keys.progress(receiver, item)),
  )
  const former = [...route.formerReceivers].map((receiver) => keys.progress(receiver, id))
  return [keys.alert(id), ...progress, ...former]
}
