/**
 * The alerter's memory on the compacted topic `alert-state`: keys, and snapshots that survive a crash half-way through a write.
 *
 * Three kinds of keys, each with one writer, so that no write of one loop can bring back what another has replaced:
 * `series/<series key>` by the first stage, `alert/<alert id>` by the second, `progress/<receiver>/<alert id>` by the loop of
 * that receiver. A snapshot is JSON (an alert inside it is Avro, because JSON has no NaN), framed and guarded by a checksum. One
 * that cannot be read is told to the caller and left out; it is never used in part.
 */
import type { Progress } from '@lapwing/alerting/reconcile'
import type { TrackedAlert } from '@lapwing/alerting/tracked-alert'
import { DecodeError, decode, encode } from '@lapwing/contracts/codec'
import { decodeState, encodeState, StateError, type StateLayout } from '@lapwing/contracts/state-record'
import type { Log } from '@lapwing/stream/log'
import type { SeriesState } from './decide-alert.ts'

/** Its version is raised when a layout below changes its meaning. */
const layout: StateLayout = { version: 1, configHash: '' }

export const stateKeys = {
  series: (seriesKey: string) => `series/${seriesKey}`,
  alert: (alertId: string) => `alert/${alertId}`,
  progress: (receiver: string, alertId: string) => `progress/${receiver}/${alertId}`,
} as const

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

export function encodeSeries(state: SeriesState, sourceOffset: bigint): Buffer {
  return encodeSnapshot(state, Number(sourceOffset))
}

/** Throws DecodeError or StateError. */
export function decodeSeries(bytes: Uint8Array): SeriesState {
  return decodeSnapshot(bytes) as SeriesState
}

export function encodeTracked({ alert, records }: TrackedAlert): Buffer {
  return encodeSnapshot({ alert: encode('Alert', alert).toString('base64'), records }, records.at(-1)?.place.offset ?? -1)
}

/** Throws DecodeError or StateError. */
export function decodeTracked(bytes: Uint8Array): TrackedAlert {
  const { alert, records } = decodeSnapshot(bytes) as { alert: string; records: TrackedAlert['records'] }
  return { alert: decode('Alert', Buffer.from(alert, 'base64')), records }
}

/** What must be known after a restart: the rest of the progress begins anew, so a receiver without memory is told at once. */
export type DurableProgress = Pick<Progress, 'tellings' | 'attempted' | 'refused' | 'settled'>

export function encodeProgress({ tellings, attempted, refused, settled }: DurableProgress): Buffer {
  return encodeSnapshot({ tellings, attempted, refused, settled }, -1)
}

/** Throws DecodeError or StateError. */
export function decodeProgress(bytes: Uint8Array): DurableProgress {
  return decodeSnapshot(bytes) as DurableProgress
}

function encodeSnapshot(state: object, sourceOffset: number): Buffer {
  return encodeState(Buffer.from(JSON.stringify(state)), BigInt(sourceOffset), layout)
}

function decodeSnapshot(bytes: Uint8Array): unknown {
  return JSON.parse(decodeState(bytes, layout).snapshot.toString())
}
