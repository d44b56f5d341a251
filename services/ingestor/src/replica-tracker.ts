/**
 * The elections of Prometheus pairs, shared with the other ingestors through the topic of claims.
 *
 * The topic is read from the first request of a pair on, so that who has no pairs pays nothing. A request that needs an election waits
 * until the log has decided; every other is judged by what was read. Renewals are written beside the requests.
 */
import { createHash } from 'node:crypto'
import { decode, encode } from '@lapwing/contracts/codec'
import { partitionOf } from '@lapwing/contracts/series'
import type { SendingReplica } from '@lapwing/prometheus/pushed-series'
import { WriteError } from '@lapwing/prometheus/remote-write-errors'
import {
  afterClaim,
  dueRenewal,
  type Election,
  type ElectionTiming,
  nextClaim,
  type ReplicaClaim,
  verdictOn,
} from '@lapwing/prometheus/replica-election'
import { LogError } from '@lapwing/stream/errors'
import type { Consumption, Log, LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import type { Logger } from 'pino'

export interface ReplicaTracker {
  /** Whether its samples are the ones taken; undefined: the log has to decide. Counts as a sign of life. */
  isElected(replica: SendingReplica): boolean | undefined
  /** Resolves when the log has decided about all of them. Rejects with a LogError, or a WriteError for one pair too many. */
  decide(replicas: readonly SendingReplica[]): Promise<void>
  stop(): Promise<void>
}

export interface TrackerOptions {
  readonly log: Pick<Log, 'follow' | 'readToEnd'>
  readonly topic: string
  readonly partitions: number
  readonly timing: ElectionTiming
  /** Rejects with a LogError. */
  send(records: readonly OutgoingRecord[]): Promise<void>
  readonly logger: Logger
  /** Told of each replica that was elected in place of another or of none. */
  onElected(): void
  now(): number
  onFatal(error: Error): void
}

/** Pairs that are kept in mind; each takes a few hundred bytes, and its last claim stays on the log for ever. */
const clustersMax = 1000
/** How long a request waits for its claim to be read back. */
const decisionMs = 10_000

export function createReplicaTracker(options: TrackerOptions): ReplicaTracker {
  const { log, topic, partitions, timing, logger, now } = options
  const elections = new Map<string, Election>()
  const waiting: (() => void)[] = []
  let following: Promise<Consumption> | undefined
  let isRead = false

  const take = (records: readonly LogRecord[]) => {
    for (const record of records) takeClaim(record)
    for (const wake of waiting.splice(0)) wake()
  }
  const takeClaim = ({ value, offset }: LogRecord) => {
    if (!value) return
    try {
      const { tenant, cluster, ...claim } = decode('ReplicaClaim', value)
      const key = keyOf({ tenant, cluster })
      const before = elections.get(key)
      const after = afterClaim(before, claim, now())
      elections.set(key, after)
      if (!isRead || after.replica === before?.replica) return
      logger.info({ tenant, cluster, replica: after.replica, instead: before?.replica }, 'replica elected')
      options.onElected()
    } catch (error) {
      logger.error({ err: error, offset: String(offset) }, 'claim of a replica cannot be read; the others count')
    }
  }
  const start = async () => {
    const consumption = await log.follow({
      topics: [topic],
      from: 'earliest',
      onBatch: async ({ records }) => take(records),
      onFatal: options.onFatal,
    })
    try {
      take(await log.readToEnd(topic))
    } catch (error) {
      await consumption.stop()
      throw error
    }
    isRead = true
    return consumption
  }
  const untilRead = async () => {
    following ??= start()
    try {
      await following
    } catch (error) {
      following = undefined
      throw error
    }
  }
  const write = (replica: SendingReplica, claim: ReplicaClaim) => {
    const { tenant, cluster } = replica
    const key = Buffer.from(keyOf(replica))
    const partition = partitionOf(createHash('sha256').update(key).digest(), partitions)
    return options.send([{ topic, partition, key, value: encode('ReplicaClaim', { tenant, cluster, ...claim }) }])
  }
  const renew = (replica: SendingReplica, key: string, election: Election) => {
    const claim = dueRenewal(election, now(), timing)
    elections.set(key, { ...election, heardMs: now(), ...(claim && { toldMs: now() }) })
    if (!claim) return
    write(replica, claim).catch((error: Error) =>
      logger.warn({ err: error, cluster: replica.cluster }, 'renewal of a replica not written; the next one is due as usual'),
    )
  }
  const decideOne = async (replica: SendingReplica) => {
    const key = keyOf(replica)
    const before = elections.get(key)
    if (verdictOn(before, replica.replica, now(), timing) !== 'claim') return
    if (!before && elections.size >= clustersMax)
      throw new WriteError('too_many_clusters', `at most ${clustersMax}; ${replica.cluster} is one more`)
    const claim = nextClaim(before, replica.replica, now())
    await write(replica, claim)
    const endMs = now() + decisionMs
    while ((elections.get(key)?.term ?? 0) < claim.term) {
      if (now() > endMs) throw new LogError('timeout', 'the claim of a replica was not read back')
      await wakeOrTimeout((wake) => waiting.push(wake))
    }
  }
  return {
    isElected: (replica) => {
      const key = keyOf(replica)
      const election = elections.get(key)
      const verdict = verdictOn(election, replica.replica, now(), timing)
      if (!isRead || !election || verdict === 'claim') return undefined
      if (verdict === 'take') renew(replica, key, election)
      return verdict === 'take'
    },
    decide: async (replicas) => {
      await untilRead()
      for (const replica of replicas) await decideOne(replica)
    },
    stop: async () => {
      const consumption = await following?.catch(() => undefined)
      await consumption?.stop()
    },
  }
}

function keyOf({ tenant, cluster }: Pick<SendingReplica, 'tenant' | 'cluster'>): string {
  return JSON.stringify([tenant, cluster])
}

/** Looks again after a second at the latest, so that a deadline is noticed. */
async function wakeOrTimeout(register: (wake: () => void) => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, 1000)
    register(resolve)
  })
  clearTimeout(timer)
}
