/** What the lines of a detector's log say of its partitions and its place in the group. */
import type { GivenUp, Membership, TimedTakeOver } from '../checker/needless-restores.ts'
import type { LogLine, ServiceProcess } from './service-process.ts'

/** What a process says when it has a partition, and whether it went on from a checkpoint there or learned all anew. */
const takeOverMessages: Readonly<Record<string, boolean>> = {
  'state restored': true,
  'no state yet, learning from what the input holds': true,
  'state not usable, learning anew from what the input holds': false,
}

/** Any of these. */
export const takenOver = new RegExp(`^(${Object.keys(takeOverMessages).join('|')})$`)
/** What a process says that was taken for gone, and comes back. */
export const givenUp = /^the group had given this member up/

/** What a detector went through in its group, in order. */
export function membershipOf(detector: ServiceProcess): Membership {
  const lines = detector.lines()
  return { takeOvers: lines.flatMap(asTakeOver), givenUp: lines.flatMap(asGivenUp) }
}

function asTakeOver({ msg, time, partition }: LogLine): TimedTakeOver[] {
  const restored = takeOverMessages[msg]
  return restored === undefined ? [] : [{ partition: partition as number, restored, atMs: Date.parse(time) }]
}

function asGivenUp({ msg, time, silentForMs }: LogLine): GivenUp[] {
  return givenUp.test(msg) ? [{ silentForMs: silentForMs as number, atMs: Date.parse(time) }] : []
}
