/** The alerter's memory, read from the log as it would read it itself. */
import {
  type DurableProgress,
  decodeProgress,
  decodeTracked,
  readSnapshots,
  routesIn,
  stateKeys,
  statesBelow,
} from '@lapwing/alerter/alert-state'
import { defaultRoute } from '@lapwing/alerter/decide-alert'
import type { TrackedAlert } from '@lapwing/alerting/tracked-alert'
import { topicName } from '@lapwing/contracts/topics'
import type { Deployment } from '../topics/open-log.ts'
import { unlessAbsent } from '../topics/unless-absent.ts'

export interface KnownAlert {
  readonly tracked: TrackedAlert
  /** By receiver: of the alert, or of the incident that it is in. */
  readonly told: ReadonlyMap<string, DurableProgress & { readonly itemId: string }>
}

/** Every alert that is remembered, of every route. A snapshot that cannot be read is named on `onDamaged`. */
export async function readAlerts({ log, prefix }: Deployment, onDamaged: (key: string) => void): Promise<KnownAlert[]> {
  const topic = topicName(prefix, 'alert-state')
  const partitions = (await unlessAbsent(log.partitionCount(topic))) ?? 0
  const known: KnownAlert[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const snapshots = await readSnapshots(log, topic, partition)
    for (const route of [defaultRoute, ...routesIn(snapshots)]) known.push(...alertsOf(snapshots, route, onDamaged))
  }
  return known
}

function alertsOf(snapshots: ReadonlyMap<string, Uint8Array>, route: string, onDamaged: (key: string) => void): KnownAlert[] {
  const keys = stateKeys(route)
  const alerts = statesBelow(snapshots, keys.alert(''), decodeTracked, onDamaged)
  const progress = [...statesBelow(snapshots, keys.anyProgress, decodeProgress, onDamaged)].map(([key, state]) => {
    const receiver = key.split('/', 1)[0]!
    return { receiver, itemId: key.slice(receiver.length + 1), state }
  })
  return [...alerts].map(([id, tracked]) => {
    const own = progress.filter(({ itemId, state }) => (state.members ? state.members.includes(id) : itemId === id))
    return { tracked, told: new Map(own.map(({ receiver, itemId, state }) => [receiver, { ...state, itemId }])) }
  })
}
