/**
 * Which replica of a Prometheus pair is listened to: the one that was heard first, until it has been silent for a while.
 *
 * Several ingestors share the decision through a log of claims that each of them reads in the same order. A claim names a term; the first
 * one of a term wins, so all that have read it agree, and in one term there is one replica. While the elected one is heard its term is
 * renewed on the log, so that an ingestor that does not hear it itself knows that it is alive. A renewal is written only by somebody who
 * saw its claim win: whoever has read another one of the same term (compaction may keep the losing claim and not the winning one) is put
 * right by it.
 *
 * Not promised: an ingestor that is behind in reading goes on with the old replica until it has read the claim of the new one.
 *
 * Source: the behaviour of Cortex' and Mimir's "HA tracker", which share it through a key-value store.
 */
export interface ReplicaClaim {
  readonly replica: string
  /** At least 1. */
  readonly term: number
  readonly isRenewal: boolean
  /** When whoever wrote it heard the replica, milliseconds since the epoch of its clock. */
  readonly atMs: number
}

export interface Election {
  readonly replica: string
  readonly term: number
  /** When it was heard last, here or by others. */
  readonly heardMs: number
  /** When the log was told of it last. */
  readonly toldMs: number
}

export interface ElectionTiming {
  /** Silence after which another replica is elected. */
  readonly failoverMs: number
  /** Least time between two renewals; well below the silence that elects another. */
  readonly renewalMs: number
}

/** What becomes of samples of a replica; `claim`: a claim of the next term is to be written first. */
export type Verdict = 'take' | 'drop' | 'claim'

export function verdictOn(
  election: Election | undefined,
  replica: string,
  nowMs: number,
  { failoverMs }: ElectionTiming,
): Verdict {
  if (election?.replica === replica) return 'take'
  return !election || nowMs - election.heardMs > failoverMs ? 'claim' : 'drop'
}

/** The claim of a replica that is to be elected. */
export function nextClaim(election: Election | undefined, replica: string, nowMs: number): ReplicaClaim {
  return { replica, term: (election?.term ?? 0) + 1, isRenewal: false, atMs: nowMs }
}

/** The renewal that is due now that the elected replica is heard; undefined: none is. */
export function dueRenewal({ replica, term, toldMs }: Election, nowMs: number, timing: ElectionTiming): ReplicaClaim | undefined {
  return nowMs - toldMs < timing.renewalMs ? undefined : { replica, term, isRenewal: true, atMs: nowMs }
}

/** The election after the next claim of the log. Reading a claim again changes nothing. */
export function afterClaim(election: Election | undefined, claim: ReplicaClaim, nowMs: number): Election {
  const { replica, term } = claim
  // Nobody is heard in the future, whatever the clock of the writer said.
  const atMs = Math.min(claim.atMs, nowMs)
  if (!election || term > election.term) return { replica, term, heardMs: atMs, toldMs: atMs }
  if (term < election.term || (replica !== election.replica && !claim.isRenewal)) return election
  return { replica, term, heardMs: Math.max(election.heardMs, atMs), toldMs: Math.max(election.toldMs, atMs) }
}
