/**
 * Whether a partition was restored although nobody else had needed it: what a process keeps over a rebalance, it keeps in memory.
 *
 * A machine that is busy enough takes a member out of its group: it sends no heartbeat for so long that the group gives it up. It then
 * comes back as a new member, and others may have owned its partitions meanwhile; restoring is right then. That excuse counts only when
 * the group was entitled to it, because nothing was heard from the member for its whole lease: a process that drops its membership by itself has none.
 */
import type { TakeOver } from './repeats-bound.ts'

/** A member that came back and was no longer one. */
export interface GivenUp {
  /** Since its last heartbeat that was answered. */
  readonly silentForMs: number
  readonly atMs: number
}

export interface TimedTakeOver extends TakeOver {
  /** By the clock of the machine. */
  readonly atMs: number
}

/** What a process went through in its group, in order. */
export interface Membership {
  readonly takeOvers: readonly TimedTakeOver[]
  readonly givenUp: readonly GivenUp[]
}

/** A sentence for each restore that nothing asked for. */
export function needlessRestores(members: readonly Membership[]): string[] {
  return members.flatMap((member, number) =>
    repeated(member)
      .filter(([first, again]) => !wasGivenUp(member, first, again) && !wasElsewhere(members, member, first, again))
      .map(([{ partition }]) => `detector ${number} restored partition ${partition} twice`),
  )
}

/**
 * A sentence when more partitions moved than scaling needs.
 *
 * @param needed how many are taken over in a run in which no member is given up
 */
export function needlessMoves(members: readonly Membership[], needed: number, partitions: number): string[] {
  const moved = members.reduce((sum, { takeOvers }) => sum + takeOvers.length, 0)
  // All of a member's may go to others, or come back to it.
  const most = needed + partitions * members.reduce((sum, member) => sum + rightlyGivenUp(member).length, 0)
  return moved > most ? [`${moved} partitions were taken over, ${most} are enough`] : []
}

/** Each take-over that was not a partition's first by this process, with the one before. */
function repeated({ takeOvers }: Membership): [TimedTakeOver, TimedTakeOver][] {
  return takeOvers.flatMap((again, i) => {
    const first = takeOvers.slice(0, i).findLast(({ partition }) => partition === again.partition)
    return first ? [[first, again] satisfies [TimedTakeOver, TimedTakeOver]] : []
  })
}

function wasGivenUp(member: Membership, first: TimedTakeOver, again: TimedTakeOver): boolean {
  return rightlyGivenUp(member).some((event) => isBetween(event, first, again))
}

/**
 * Another process had it in between: it went to one that joined and came back when that one left. Whether it had to move is not told from
 * a single partition but from how many moved in all (`needlessMoves`): what goes to and fro is beyond what scaling needs.
 */
function wasElsewhere(members: readonly Membership[], member: Membership, first: TimedTakeOver, again: TimedTakeOver): boolean {
  const others = members.filter((other) => other !== member).flatMap(({ takeOvers }) => takeOvers)
  return others.some((event) => event.partition === first.partition && isBetween(event, first, again))
}

function rightlyGivenUp({ givenUp }: Membership): GivenUp[] {
  return givenUp.filter(({ silentForMs }) => silentForMs >= leaseMs)
}

/** The product's own: for so long after a heartbeat a group gives nothing away. */
const leaseMs = 14_000

function isBetween({ atMs }: { readonly atMs: number }, first: TimedTakeOver, again: TimedTakeOver): boolean {
  return atMs >= first.atMs && atMs <= again.atMs
}
