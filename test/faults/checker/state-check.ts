/** Whether the state topic holds checkpoints that a new owner would take over, and only ever one owner wrote it. */
import { DecodeError, decodeAny } from '@lapwing/contracts/codec'
import type { StateMarker } from '@lapwing/contracts/records'
import type { LogRecord } from '@lapwing/stream/log'
import { readCheckpoint } from '@lapwing/stream/partition-state'

/**
 * Sentences about what is wrong.
 *
 * @param nextOffsets of the samples topic, when every owner has stopped in order and so has put all of it down
 */
export function stateProblems(state: readonly LogRecord[], nextOffsets: readonly bigint[]): string[] {
  return nextOffsets.flatMap((next, partition) => {
    const records = state.filter((record) => record.partition === partition)
    const marker = markersOf(records).at(-1)
    if (!marker) return next === 0n ? [] : [`state of partition ${partition} has no marker`]
    const { damage, sourceOffset } = readCheckpoint(records, marker)
    if (damage) return [`state of partition ${partition} would not be taken over: ${damage}`]
    if (sourceOffset !== next - 1n)
      return [`state of partition ${partition} ends at ${sourceOffset}, its samples at ${next - 1n}`]
    return []
  })
}

/** An owner goes on behind the last marker, so a marker that goes back was written by somebody who no longer owned the partition. */
export function markersGoingBack(state: readonly LogRecord[]): string[] {
  const newest = new Map<number, number>()
  return state.flatMap((record) => {
    const [marker] = markersOf([record])
    const before = newest.get(record.partition) ?? -1
    if (!marker) return []
    newest.set(record.partition, marker.sourceOffset)
    const place = `partition ${record.partition}, offset ${record.offset}`
    return marker.sourceOffset < before ? [`state goes back from ${before} to ${marker.sourceOffset} at ${place}`] : []
  })
}

export function markersOf(records: readonly LogRecord[]): StateMarker[] {
  return records.flatMap(({ value }) => {
    const found = value && readableState(value)
    return found && found.name === 'StateMarker' ? [found.record as StateMarker] : []
  })
}

/** undefined when the bytes are no record: a row may have damaged them on purpose. */
export function readableState(value: Uint8Array): ReturnType<typeof decodeAny> | undefined {
  try {
    return decodeAny(value)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
