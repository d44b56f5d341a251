/** The memory of a route between two processes: read back when a partition is taken over, cleared of what is finished. */
import { noProgress } from '@lapwing/alerting/reconcile'
import type { Log } from '@lapwing/stream/log'
import { decodeProgress, decodeTracked, readSnapshots, stateKeys, statesBelow } from './alert-state.ts'
import type { Committer } from './committer.ts'
import { type Receiver, receiverNames } from './receiver.ts'
import { emptyRoute, forget, forgettable, pruneRecords, type RouteAlerts, restoreAlerts } from './route-alerts.ts'

/** Where the memory is kept. */
export interface MemoryPlace {
  readonly topic: string
  readonly partition: number
}

export async function readRoute(
  log: Log,
  { topic, partition }: MemoryPlace,
  receivers: readonly Receiver[],
  onDamaged: (key: string, error: Error) => void,
): Promise<RouteAlerts> {
  const route = emptyRoute(receivers.map(({ name }) => name))
  const snapshots = await readSnapshots(log, topic, partition)
  restoreAlerts(route, statesBelow(snapshots, stateKeys.alert(''), decodeTracked, onDamaged).values())
  for (const [receiver, byAlert] of route.progress) {
    for (const [id, durable] of statesBelow(snapshots, stateKeys.progress(receiver, ''), decodeProgress, onDamaged)) {
      byAlert.set(id, { ...noProgress, ...durable })
    }
  }
  return route
}

/**
 * The tombstones go first: an alert forgotten in memory only would come back with the next restart. One that a record came for
 * meanwhile is kept.
 */
export async function forgetFinished(
  route: RouteAlerts,
  { topic, partition }: MemoryPlace,
  receivers: readonly Receiver[],
  { committer, nowMs }: { committer: Committer; nowMs: number },
): Promise<void> {
  pruneRecords(route)
  const finished = forgettable(route, new Map(receivers.map(({ name, policy }) => [name, policy])), nowMs)
  const keys = finished.flatMap(({ alert: { id } }) => [
    stateKeys.alert(id),
    ...receiverNames.map((receiver) => stateKeys.progress(receiver, id)),
  ])
  await committer.commit(keys.map((key) => ({ topic, partition, key: Buffer.from(key), value: null })))
  for (const tracked of finished) {
    const { id } = tracked.alert
    if (route.alerts.get(id) === tracked) forget(route, id)
  }
}
