/** What becomes of the state of partitions, for Prometheus and the log; every service whose state moves has the same. */
import type { Logger } from 'pino'
import { Counter, Histogram, type Registry } from 'prom-client'

/** The events that are told; typed by shape, because this library does not know stages. */
type StateEvent =
  | { readonly kind: 'restored'; readonly partition: number; readonly keys: number; readonly durationMs: number }
  | { readonly kind: 'cold'; readonly partition: number }
  | { readonly kind: 'damaged'; readonly partition: number; readonly reason: string }
  | { readonly kind: 'gap'; readonly partition: number; readonly from: bigint; readonly to: bigint }
  | {
      readonly kind: 'checkpoint'
      readonly partition: number
      readonly keys: number
      readonly bytes: number
      readonly durationMs: number
    }
  | { readonly kind: 'unwritten'; readonly partition: number; readonly error: Error }
  | { readonly kind: 'applied'; readonly partition: number; readonly records: number; readonly sourceOffset: bigint }

export function createStateObserver(registry: Registry, logger: Logger): (event: StateEvent) => void {
  const registers = [registry]
  const takeovers = new Counter({
    name: 'lapwing_state_takeovers_total',
    help: 'Partitions taken over, by what became of their state.',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of ['restored', 'cold', 'damaged', 'gap']) takeovers.inc({ outcome }, 0)
  const checkpointBytes = new Counter({
    name: 'lapwing_state_checkpoint_bytes_total',
    help: 'Bytes of state written.',
    registers,
  })
  const checkpoints = new Histogram({
    name: 'lapwing_state_checkpoint_duration_seconds',
    help: 'Time that a checkpoint of one partition took.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers,
  })
  const applied = new Counter({
    name: 'lapwing_state_applied_records_total',
    help: 'Records of other topics (verdicts, models) that took effect in the state.',
    registers,
  })
  const unwritten = new Counter({
    name: 'lapwing_state_checkpoints_failed_total',
    help: 'Checkpoints that were not written; their partition is taken over again, by this process or another.',
    registers,
  })
  return (event) => {
    if (event.kind === 'checkpoint') {
      checkpoints.observe(event.durationMs / 1000)
      checkpointBytes.inc(event.bytes)
      return
    }
    if (event.kind === 'applied') applied.inc(event.records)
    else if (event.kind === 'unwritten') unwritten.inc()
    else takeovers.inc({ outcome: event.kind })
    tell(event, logger)
  }
}

function tell(event: Exclude<StateEvent, { kind: 'checkpoint' }>, logger: Logger): void {
  const { kind, partition } = event
  if (kind === 'applied')
    logger.info(
      { partition, records: event.records, sourceOffset: String(event.sourceOffset) },
      'records of other topics applied',
    )
  else if (kind === 'unwritten') logger.warn({ partition }, `a checkpoint was not written: ${event.error.message}`)
  else if (kind === 'restored')
    logger.info({ partition, keys: event.keys, durationMs: Math.round(event.durationMs) }, 'state restored')
  else if (kind === 'cold') logger.info({ partition }, 'no state yet, learning from what the input holds')
  else if (kind === 'damaged')
    logger.error({ partition, reason: event.reason }, 'state not usable, learning anew from what the input holds')
  else
    logger.error(
      { partition, from: String(event.from), to: String(event.to) },
      'the input no longer holds what comes after the state',
    )
}
