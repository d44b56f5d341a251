/**
 * The elections of Prometheus pairs, shared with the other ingestors through the topic of claims.
 *
 * The topic is read from the first request of a pair on, so that who has no pairs pays nothing. A request that needs an election waits
 * until the log has decided; every other is judged by what was read. Renewals are written beside the requests.
 */
import { createHash } from 'node:crypto'
import { decode, encode } from '@lapwing/contracts/codec'
import { partitionOf } from '@lapwing/contracts/series'
import { PairElections, pairKey } from '@lapwing/prometheus/pair-elections'
import type { SendingReplica } from '@lapwing/prometheus/pushed-series'
import type { ElectionTiming, ReplicaClaim } from '@lapwing/prometheus/replica-election'
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

/** How long a request waits for its claim to be read back. */
const decisionMs = 10_000

export function createReplicaTracker(options: TrackerOptions): ReplicaTracker {
  const { log, topic, partitions, timing, logger, now } = options
  const elections = new PairElections(timing)
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
      const elected = elections.read({ tenant, cluster }, claim, now())
      if (!isRead || !elected) return
      logger.info({ tenant, cluster, ...elected }, 'replica elected')
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
    const key = Buffer.from(pairKey(replica))
    const partition = partitionOf(createHash('sha256').update(key).digest(), partitions)
    return options.send([{ topic, partition, key, value: encode('ReplicaClaim', { tenant, cluster, ...claim }) }])
  }
  const renew = (replica: SendingReplica, renewal: ReplicaClaim) => {
    write(replica, renewal).catch((error: Error) =>
      logger.warn({ err: error, cluster: replica.cluster }, 'renewal of a replica not written; the next one is due as usual'),
    )
  }
  const decideOne = async (replica: SendingReplica) => {
    const claim = elections.claimFor(replica, now())
    if (!claim) return
    await write(replica, claim)
    const endMs = now() + decisionMs
    while (!elections.isDecided(replica, claim.term)) {
      if (now() > endMs) throw new LogError('timeout', 'the claim of a replica was not read back')
      await wakeOrTimeout((wake) => waiting.push(wake))
    }
  }
  return {
    isElected: (replica) => {
      if (!isRead) return undefined
      const { verdict, renewal } = elections.hear(replica, now())
      if (renewal) renew(replica, renewal)
      return verdict === 'claim' ? undefined : verdict === 'take'
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

/** Looks again after a second at the latest, so that a deadline is noticed. */
async function wakeOrTimeout(register: (wake: () => void) => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, 1000)
    register(resolve)
  })
  clearTimeout(timer)
}
