/**
 * The second stage for one partition of the alerts topic: what is true of each alert, and one loop per receiver that tells it.
 *
 * It opens by taking the fence, so that a former owner can write no more, and reading its memory from the log, before the first record, and its loops begin at once: an alert that fires must
 * be told again to Alertmanager even if no record ever comes. It closes when the partition goes to somebody else.
 */
import { DecodeError, decode } from '@lapwing/contracts/codec'
import type { Log, LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import type { Step } from '@lapwing/stream/stage'
import type { Logger } from 'pino'
import { encodeTracked, stateKeys } from './alert-state.ts'
import { openCommitter } from './committer.ts'
import { startDeliveryLoop } from './delivery-loop.ts'
import type { AlerterMetrics } from './metrics.ts'
import { type AlerterTopics, type OutcomeWriterOptions, writeOutcomes } from './outcome-writer.ts'
import type { Receiver } from './receiver.ts'
import { acceptAlert, pendingCount, type RouteAlerts } from './route-alerts.ts'
import { forgetFinished, readRoute } from './route-memory.ts'

export interface RoutePartitionOptions {
  readonly log: Log
  /** Unique for the group; the partition is added. */
  readonly fencePrefix: string
  readonly partition: number
  readonly topics: AlerterTopics
  readonly receivers: readonly Receiver[]
  readonly metrics: AlerterMetrics
  readonly logger: Logger
  /** True while older records are still being read. */
  behind(): boolean
  nowMs(): number
  /** 0 to 1. */
  random(): number
  onFatal(error: Error): void
}

export interface RoutePartition {
  readonly step: Step
  /** Records without an outcome for this receiver. */
  pending(receiver: string): number
  /** Records came, or may be acted on now. */
  ring(): void
  stop(): Promise<void>
}

export async function openRoutePartition(options: RoutePartitionOptions): Promise<RoutePartition> {
  const { log, partition, topics, receivers, metrics, logger, nowMs, onFatal } = options
  const place = { topic: topics.state, partition }
  const stopping = new AbortController()
  const fenceId = `${options.fencePrefix}-${partition}`
  const committer = await openCommitter({ log, fenceId, logger, signal: stopping.signal })
  const onDamaged = (key: string, error: Error) => {
    metrics.stateDamaged()
    logger.error({ key }, `alert state left out: ${error.message}`)
  }
  const route = await readRoute(log, place, receivers, onDamaged).catch(async (error: unknown) => {
    await committer.close()
    throw error
  })
  for (const { name } of receivers) metrics.accepted(name, pendingCount(route, name))
  const loops = receivers.map((receiver) => startLoop(receiver, { ...options, route, committer }))
  const housekeeping = setInterval(() => {
    void forgetFinished(route, place, receivers, { committer, nowMs: nowMs() }).catch(onFatal)
  }, housekeepingMs)
  return {
    step: { process: (record, emit) => acceptRecord(record, emit, route, options) },
    pending: (receiver) => pendingCount(route, receiver),
    ring: () => {
      for (const loop of loops) loop.ring()
    },
    stop: async () => {
      clearInterval(housekeeping)
      const grace = setTimeout(() => stopping.abort(), writeGraceMs)
      await Promise.all(loops.map((loop) => loop.stop()))
      clearTimeout(grace)
      await committer.close()
    },
  }
}

const housekeepingMs = 60_000
/** How long a note may wait for the log when the partition closes; a note that is lost repeats one message. */
const writeGraceMs = 4000

function startLoop(receiver: Receiver, options: RoutePartitionOptions & OutcomeWriterOptions) {
  const { route, metrics, logger, behind, nowMs, random, onFatal } = options
  return startDeliveryLoop({
    ...{ receiver, route, behind, nowMs, random, onFatal },
    write: (notes, alertIds) => writeOutcomes(receiver.name, notes, alertIds, options),
    onFailure: (error) => {
      metrics.failed(receiver.name, error.code)
      logger.warn({ receiver: receiver.name, code: error.code }, error.message)
    },
  })
}

/** Every record is written again, repeated ones too: the snapshot of the first time may not have reached the log. */
function acceptRecord(
  record: LogRecord,
  emit: (output: OutgoingRecord) => void,
  route: RouteAlerts,
  { partition, topics, receivers, metrics }: RoutePartitionOptions,
): void {
  const alert = decode('Alert', record.value ?? new Uint8Array())
  if (alert.state === 'unknown' || alert.decision === 'unknown') {
    throw new DecodeError('malformed', 'an alert in a state, or with a decision, that this version does not know')
  }
  const { alertIds, records } = acceptAlert(route, alert, { offset: Number(record.offset), writtenAtMs: record.timestampMs })
  for (const { name } of receivers) metrics.accepted(name, records)
  for (const id of alertIds) {
    emit({ topic: topics.state, partition, key: Buffer.from(stateKeys.alert(id)), value: encodeTracked(route.alerts.get(id)!) })
  }
}
