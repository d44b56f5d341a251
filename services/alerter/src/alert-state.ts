/**
 * The alerter's memory on the compacted topic `alert-state`: keys, and snapshots that survive a crash half-way through a write.
 *
 * Five kinds of keys, each with one writer, so that no write of one loop can bring back what another has replaced:
 * `series/<series key>` by the first stage, `alert/<alert id>` by the second, `progress/<receiver>/<item id>` and
 * `sent/<receiver>` by the loop of that receiver, `starts/<topology>` by the housekeeping; the last four below `route/<name>/` when
 * it is not the default route. An
 * incident is kept with the progress of the receivers that are told of it, so what they were told and what it was are one write.
 * A snapshot is JSON (an alert inside it is Avro, because JSON has no NaN), framed and guarded by a checksum. One
 * that cannot be read is told to the caller and left out; it is never used in part.
 */
import type { Progress } from '@lapwing/alerting/reconcile'
import type { TrackedAlert } from '@lapwing/alerting/tracked-alert'
import { DecodeError, decode, encode } from '@lapwing/contracts/codec'
import { decodeState, encodeState, StateError, type StateLayout } from '@lapwing/contracts/state-record'
import type { Log } from '@lapwing/stream/log'
import { defaultRoute, type SeriesState } from './decide-alert.ts'
import type { ReceiverBook } from './route-alerts.ts'

/** Its version is raised when a layout below changes its meaning. */
const layout: StateLayout = { version: 1, configHash: '' }

/** Of the first stage. */
export const seriesStateKey = (seriesKey: string) => `series/${seriesKey}`

/** Of one route in the second stage. */
export function stateKeys(route: string) {
  const place = route === defaultRoute ? '' : `${routePrefix}${route}/`
  return {
    alert: (alertId: string) => `${place}alert/${alertId}`,
    progress: (receiver: string, itemId: string) => `${place}progress/${receiver}/${itemId}`,
    /** What the keys of all progress begin with. */
    anyProgress: `${place}progress/`,
    sent: (receiver: string) => `${place}sent/${receiver}`,
    starts: (topologyKey: string) => `${place}starts/${topologyKey}`,
  } as const
}

const routePrefix = 'route/'

/** The routes that have a memory in these snapshots; the default route is not named. */
export function routesIn(snapshots: ReadonlyMap<string, Uint8Array>): Set<string> {
  const named = [...snapshots.keys()].filter((key) => key.startsWith(routePrefix))
  return new Set(named.map((key) => key.slice(routePrefix.length, key.indexOf('/', routePrefix.length))))
}

/** The newest snapshot of every key of a partition; tombstones applied. */
export async function readSnapshots(log: Log, topic: string, partition: number): Promise<Map<string, Uint8Array>> {
  const snapshots = new Map<string, Uint8Array>()
  for (const { key, value } of await log.readToEnd(topic, partition)) {
    const text = Buffer.from(key ?? []).toString()
    if (value) snapshots.set(text, value)
    else snapshots.delete(text)
  }
  return snapshots
}

/** The states whose keys begin with `prefix`, by the rest of the key. `onDamaged` is told of each that is left out. */
export function statesBelow<T>(
  snapshots: ReadonlyMap<string, Uint8Array>,
  prefix: string,
  decodeState: (bytes: Uint8Array) => T,
  onDamaged: (key: string, error: Error) => void,
): Map<string, T> {
  const states = new Map<string, T>()
  for (const [key, bytes] of snapshots) {
    if (!key.startsWith(prefix)) continue
    try {
      states.set(key.slice(prefix.length), decodeState(bytes))
    } catch (error) {
      if (!(error instanceof DecodeError || error instanceof StateError)) throw error
      onDamaged(key, error)
    }
  }
  return states
}

/** What the first stage remembers of a series: the decision's state, the routes that the episode took, and when its newest record was written. */
export type SeriesMemory = SeriesState & {
  readonly routes?: readonly string[]
  /** By the log, milliseconds since the epoch; missing in what earlier releases wrote. */
  readonly heardAtMs?: number
}

export function encodeSeries(state: SeriesMemory, sourceOffset: bigint): Buffer {
  return encodeSnapshot(state, Number(sourceOffset))
}

/** Throws DecodeError or StateError. */
export function decodeSeries(bytes: Uint8Array): SeriesMemory {
  return decodeSnapshot(bytes) as SeriesMemory
}

export function encodeTracked({ alert, records }: TrackedAlert): Buffer {
  return encodeSnapshot({ alert: encode('Alert', alert).toString('base64'), records }, records.at(-1)?.place.offset ?? -1)
}

/** Throws DecodeError or StateError. */
export function decodeTracked(bytes: Uint8Array): TrackedAlert {
  const { alert, records } = decodeSnapshot(bytes) as { alert: string; records: TrackedAlert['records'] }
  const decoded = decode('Alert', Buffer.from(alert, 'base64'))
  return { alert: decoded, records: records.map((record) => ({ ...record, alertId: decoded.id })) }
}

/** What must be known after a restart: the rest of the progress begins anew, so a receiver without memory is told at once. */
export type DurableProgress = Pick<Progress, 'tellings' | 'attempted' | 'refused' | 'settled' | 'heldBy' | 'messageRef'> & {
  /** Ids of the alerts of an incident; absent for an alert. */
  readonly members?: readonly string[]
}

export function encodeProgress(progress: DurableProgress): Buffer {
  const { tellings, attempted, refused, settled, heldBy, messageRef, members } = progress
  const known = { tellings, attempted, refused, settled, heldBy, ...(messageRef && { messageRef }) }
  return encodeSnapshot({ ...known, ...(members && { members }) }, -1)
}

/** Throws DecodeError or StateError. */
export function decodeProgress(bytes: Uint8Array): DurableProgress {
  return { heldBy: '', messageRef: '', ...(decodeSnapshot(bytes) as Omit<DurableProgress, 'heldBy' | 'messageRef'>) }
}

/** Times of what a receiver was told, and what it was not told since the last digest. */
export type SentState = Pick<ReceiverBook, 'sentAtMs' | 'digest'>

export function encodeSent({ sentAtMs, digest }: SentState): Buffer {
  return encodeSnapshot({ sentAtMs, digest }, -1)
}

/** Throws DecodeError or StateError. */
export function decodeSent(bytes: Uint8Array): SentState {
  const { sentAtMs, digest } = decodeSnapshot(bytes) as SentState
  return { sentAtMs, digest }
}

/** When a topology fell ill. */
export function encodeStarts(atMs: readonly number[]): Buffer {
  return encodeSnapshot({ atMs }, -1)
}

/** Throws DecodeError or StateError. */
export function decodeStarts(bytes: Uint8Array): readonly number[] {
  return (decodeSnapshot(bytes) as { atMs: readonly number[] }).atMs
}

function encodeSnapshot(state: object, sourceOffset: number): Buffer {
  return encodeState(Buffer.from(JSON.stringify(state)), BigInt(sourceOffset), layout)
}

function decodeSnapshot(bytes: Uint8Array): unknown {
  return JSON.parse(decodeState(bytes, layout).snapshot.toString())
}
