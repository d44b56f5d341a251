/**
 * How many score records may have been written again.
 *
 * Whoever takes a partition over repeats what was written since its last checkpoint: at most what a partition writes within one
 * interval and the time that a batch and the checkpoint itself may take. Where the state could not be used, everything is.
 */
import type { LogRecord } from '@lapwing/stream/log'

export interface TakeOver {
  readonly partition: number
  /** Whether it went on from a checkpoint, or learned all anew. */
  readonly restored: boolean
}

export function repeatsBound(scores: readonly LogRecord[], takeOvers: readonly TakeOver[], intervalMs: number): number {
  const mostOf = ({ partition, restored }: TakeOver) => {
    const written = scores.filter((record) => record.partition === partition)
    return restored ? mostWithin(written, intervalMs + slackMs) : written.length
  }
  return takeOvers.reduce((sum, takeOver) => sum + mostOf(takeOver), 0)
}

/** For the batch in hand, the checkpoint itself, and a machine that does other things. */
const slackMs = 2000

function mostWithin(records: readonly LogRecord[], windowMs: number): number {
  let most = 0
  let first = 0
  records.forEach(({ timestampMs }, last) => {
    while (records[first]!.timestampMs < timestampMs - windowMs) first++
    most = Math.max(most, last - first + 1)
  })
  return most
}
