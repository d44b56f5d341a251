/**
 * A stage: records in, a pure step per partition, records out, then the position.
 *
 * Guarantees, at least once: the position moves past a batch only when all that the step emitted for it is acknowledged. A
 * record that cannot be decoded goes to the dead letters with its reason and original bytes, and its neighbours go on. After
 * an assignment each partition gets a fresh step from `createStep`, which reads whatever state it needs before the first
 * record. A step that throws anything but a damaged record is a bug and ends the process.
 */
import { DecodeError, encode } from '@lapwing/contracts/codec'
import { bytesOf, ColumnError } from '@lapwing/contracts/columns'
import type { BatchContext, Consumption, Log, LogRecord, OutgoingRecord, Producer, RecordBatch } from './log.ts'

/** The decision about the records of one partition. Deterministic: no clock, no I/O; it may keep and change its own state. */
export interface Step {
  process(record: LogRecord, emit: (output: OutgoingRecord) => void): void
}

export interface StageOptions {
  readonly log: Log
  readonly group: string
  readonly inputs: readonly string[]
  /** Topic for records that cannot be decoded. */
  readonly deadLetters: string
  /** Name of the service, for the dead letters. */
  readonly service: string
  /** Once per partition and assignment, before its first record. */
  createStep(partition: number): Promise<Step>
  readonly observer: StageObserver
  onFatal(error: Error): void
}

/** What a stage tells of itself, once per batch or event; the service turns it into metrics. */
export interface StageObserver {
  /** @param lagRecords records of the partition that are still to come after this batch */
  batch(topic: string, records: number, durationMs: number, lagRecords: number): void
  deadLetter(topic: string, reason: string): void
  assigned(partitions: ReadonlyMap<string, readonly number[]>): void
}

export async function runStage(options: StageOptions): Promise<Consumption> {
  const producer = await options.log.producer()
  let steps = new Map<number, Promise<Step>>()
  const consumption = await options.log.consume({
    group: options.group,
    topics: options.inputs,
    from: 'earliest',
    onAssignment: (partitions) => {
      steps = new Map()
      options.observer.assigned(partitions)
    },
    onBatch: async (batch, context) => {
      let step = steps.get(batch.partition)
      if (!step) {
        step = options.createStep(batch.partition)
        steps.set(batch.partition, step)
      }
      await processBatch(batch, await step, producer, context, options)
    },
    onFatal: options.onFatal,
  })
  return {
    lastActivityMs: consumption.lastActivityMs,
    stop: async () => {
      await consumption.stop()
      await producer.close()
    },
  }
}

/** Between two slices the session is kept and outputs leave, so that neither memory nor silence grows with the batch. */
const sliceMs = 500
/** Outputs are sent when this many bytes have gathered, well below the broker's usual limit for one request. */
const sendBytes = 512 * 1024

async function processBatch(
  batch: RecordBatch,
  step: Step,
  producer: Producer,
  context: BatchContext,
  options: StageOptions,
): Promise<void> {
  const startMs = performance.now()
  let sliceStartMs = startMs
  let outputs: OutgoingRecord[] = []
  let outputBytes = 0
  const emit = (output: OutgoingRecord) => {
    outputs.push(output)
    outputBytes += output.value?.length ?? 0
  }
  for (const record of batch.records) {
    if (!context.alive()) return
    processRecord(record, step, emit, options)
    if (outputBytes >= sendBytes) {
      await producer.send(outputs)
      outputs = []
      outputBytes = 0
    }
    if (performance.now() - sliceStartMs > sliceMs) {
      await context.heartbeat()
      sliceStartMs = performance.now()
    }
  }
  if (!context.alive()) return
  if (outputs.length > 0) await producer.send(outputs)
  const lastOffset = batch.records.at(-1)?.offset ?? batch.endOffset - 1n
  const lag = Number(batch.endOffset - lastOffset - 1n)
  options.observer.batch(batch.topic, batch.records.length, performance.now() - startMs, lag)
}

function processRecord(record: LogRecord, step: Step, emit: (output: OutgoingRecord) => void, options: StageOptions): void {
  try {
    step.process(record, emit)
  } catch (error) {
    const reason = damageOf(error)
    if (!reason) throw error
    options.observer.deadLetter(record.topic, reason)
    emit(deadLetter(record, reason, error as Error, options))
  }
}

/** The bounded reason when the record is damaged; undefined when the error is ours. */
function damageOf(error: unknown): string | undefined {
  if (error instanceof DecodeError) return error.reason
  if (error instanceof ColumnError || error instanceof RangeError) return 'malformed'
  return undefined
}

function deadLetter(record: LogRecord, reason: string, error: Error, options: StageOptions): OutgoingRecord {
  const value = encode('DeadLetter', {
    reason,
    error: error.message,
    service: options.service,
    topic: record.topic,
    partition: record.partition,
    offset: Number(record.offset),
    timestampMs: record.timestampMs,
    key: record.key && bytesOf(record.key),
    value: record.value && bytesOf(record.value),
  })
  return { topic: options.deadLetters, partition: record.partition, key: record.key, value }
}
