/**
 * The elections of all pairs as one ingestor knows them: what it hears and what it reads of the log goes in, verdicts and claims to write
 * come out. It neither writes nor waits, and time is an argument.
 *
 * At one position of the log one replica of a pair is taken, by whomever has read up to there.
 */
import type { SendingReplica } from './pushed-series.ts'
import { WriteError } from './remote-write-errors.ts'
import {
  afterClaim,
  dueRenewal,
  type Election,
  type ElectionTiming,
  nextClaim,
  type ReplicaClaim,
  type Verdict,
  verdictOn,
} from './replica-election.ts'

export type Pair = Pick<SendingReplica, 'tenant' | 'cluster'>

export interface Heard {
  readonly verdict: Verdict
  /** To be written; undefined: none is due. */
  readonly renewal: ReplicaClaim | undefined
}

/** Pairs that are kept in mind; each takes a few hundred bytes, and its last claim stays on the log for ever. */
export const pairsMax = 1000

export class PairElections {
  readonly #timing: ElectionTiming
  readonly #elections = new Map<string, Election>()

  constructor(timing: ElectionTiming) {
    this.#timing = timing
  }

  /** What becomes of samples that are heard now. That they are taken is a sign of life of their sender. */
  hear(replica: SendingReplica, nowMs: number): Heard {
    const key = pairKey(replica)
    const election = this.#elections.get(key)
    const verdict = verdictOn(election, replica.replica, nowMs, this.#timing)
    if (verdict !== 'take' || !election) return { verdict, renewal: undefined }
    const renewal = dueRenewal(election, nowMs, this.#timing)
    this.#elections.set(key, { ...election, heardMs: nowMs, ...(renewal && { toldMs: nowMs }) })
    return { verdict, renewal }
  }

  /** The claim to write for a replica that wants to be elected; undefined: somebody is. Throws WriteError for a pair too many. */
  claimFor(replica: SendingReplica, nowMs: number): ReplicaClaim | undefined {
    const election = this.#elections.get(pairKey(replica))
    if (verdictOn(election, replica.replica, nowMs, this.#timing) !== 'claim') return undefined
    if (!election && this.#elections.size >= pairsMax)
      throw new WriteError('too_many_clusters', `at most ${pairsMax}; ${replica.cluster} is one more`)
    return nextClaim(election, replica.replica, nowMs)
  }

  /** Whether the log has decided a term. */
  isDecided(pair: Pair, term: number): boolean {
    return (this.#elections.get(pairKey(pair))?.term ?? 0) >= term
  }

  /** Takes note of the next claim of the log. Returns who is elected by it and was not before. */
  read(pair: Pair, claim: ReplicaClaim, nowMs: number): { readonly replica: string; readonly instead?: string } | undefined {
    const key = pairKey(pair)
    const before = this.#elections.get(key)
    const after = afterClaim(before, claim, nowMs)
    this.#elections.set(key, after)
    if (after.replica === before?.replica) return undefined
    return { replica: after.replica, ...(before && { instead: before.replica }) }
  }
}

/** One text for one pair. */
export function pairKey({ tenant, cluster }: Pair): string {
  return JSON.stringify([tenant, cluster])
}
