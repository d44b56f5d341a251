/**
 * A stage: records in, a pure step per partition, records out, then the position.
 *
 * Guarantees, at least once: the position moves past a batch only when all that the step emitted for it is acknowledged. A
 * record that cannot be decoded goes to the dead letters with its reason and original bytes, and its neighbours go on. A
 * partition that is new to this process gets a fresh step from `createStep`, which reads whatever state it needs; one that is kept
 * over a rebalance keeps its step. A step sees each record once: when a send fails, what it emitted is sent again, and a batch
 * that comes again goes on where it was left. A step that throws anything but a damaged record is a bug and ends the process.
 */
import { setTimeout } from 'node:timers/promises'
import { DecodeError, encode } from '@lapwing/contracts/codec'
import { bytesOf, ColumnError } from '@lapwing/contracts/columns'
import type { BatchContext, Consumption, Log, LogRecord, OutgoingRecord, Producer, RecordBatch } from './log.ts'

/** The decision about the records of one partition. Deterministic: no clock, no I/O; it may keep and change its own state. */
export interface Step {
  process(record: LogRecord, emit: (output: OutgoingRecord) => void): void
}

/** What there is of a partition between two batches. */
interface PartitionWork {
  readonly step: Promise<Step>
  /** Last offset that the step has seen, by topic. */
  readonly seen: Map<string, bigint>
  /** Emitted and not acknowledged. */
  outputs: OutgoingRecord[]
  outputBytes: number
}

export interface StageOptions {
  readonly log: Log
  readonly group: string
  readonly inputs: readonly string[]
  /** Topic for records that cannot be decoded. */
  readonly deadLetters: string
  /** Name of the service, for the dead letters. */
  readonly service: string
  /** Once each time a partition comes to this process, before its first record; again when it rejects. */
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
  const works = new Map<number, PartitionWork>()
  const consuming = options.log.consume({
    group: options.group,
    topics: options.inputs,
    from: 'earliest',
    onAssignment: (partitions) => {
      const owned = new Set([...partitions.values()].flat())
      for (const partition of works.keys()) if (!owned.has(partition)) works.delete(partition)
      options.observer.assigned(partitions)
    },
    onBatch: async (batch, context) => {
      const work = works.get(batch.partition) ?? beginWork(batch.partition, works, options)
      await processBatch(batch, work, await whileAlive(work.step, context), producer, context, options)
    },
    onFatal: options.onFatal,
  })
  const consumption = await consuming.catch(async (error: unknown) => {
    await producer.close()
    throw error
  })
  const stop = async () => {
    await consumption.stop()
    await producer.close()
  }
  return { lastActivityMs: consumption.lastActivityMs, stop }
}

function beginWork(partition: number, works: Map<number, PartitionWork>, options: StageOptions): PartitionWork {
  const work: PartitionWork = { step: options.createStep(partition), seen: new Map(), outputs: [], outputBytes: 0 }
  works.set(partition, work)
  // Whoever waits for the step gets the error; the next batch tries anew.
  work.step.catch(() => {
    if (works.get(partition) === work) works.delete(partition)
  })
  return work
}

/** Keeps the session while a step reads its state. */
async function whileAlive<Result>(promise: Promise<Result>, context: BatchContext): Promise<Result> {
  const settled = promise.then(
    () => true,
    () => true,
  )
  while (!(await Promise.race([settled, setTimeout(sliceMs, false, { ref: false })]))) await context.heartbeat()
  return promise
}

/** Between two slices the session is kept, so that silence does not grow with the batch. */
const sliceMs = 500
/** Outputs are sent when this many bytes have gathered, well below the broker's usual limit for one request. */
const sendBytes = 512 * 1024

async function processBatch(
  batch: RecordBatch,
  work: PartitionWork,
  step: Step,
  producer: Producer,
  context: BatchContext,
  options: StageOptions,
): Promise<void> {
  const startMs = performance.now()
  let sliceStartMs = startMs
  const emit = (output: OutgoingRecord) => {
    work.outputs.push(output)
    work.outputBytes += output.value?.length ?? 0
  }
  for (const record of batch.records) {
    if (!context.alive()) return
    if (record.offset <= (work.seen.get(record.topic) ?? -1n)) continue
    processRecord(record, step, emit, options)
    work.seen.set(record.topic, record.offset)
    if (work.outputBytes >= sendBytes) await sendOutputs(work, producer)
    if (performance.now() - sliceStartMs > sliceMs) {
      await context.heartbeat()
      sliceStartMs = performance.now()
    }
  }
  if (!context.alive()) return
  await sendOutputs(work, producer)
  const lastOffset = batch.records.at(-1)?.offset ?? batch.endOffset - 1n
  const lag = Number(batch.endOffset - lastOffset - 1n)
  options.observer.batch(batch.topic, batch.records.length, performance.now() - startMs, lag)
}

async function sendOutputs(work: PartitionWork, producer: Producer): Promise<void> {
  if (work.outputs.length === 0) return
  await producer.send(work.outputs)
  work.outputs = []
  work.outputBytes = 0
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
  if (error instanceof ColumnError) return 'malformed'
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
    key: beginningOf(record.key),
    value: beginningOf(record.value),
  })
  return { topic: options.deadLetters, partition: record.partition, key: null, value }
}

/** All of it, unless it is so large that the dead letter itself would be refused: whoever writes such a record must not stop us. */
function beginningOf(bytes: Uint8Array | null): Buffer | null {
  return bytes && bytesOf(bytes.subarray(0, keptBytes))
}

const keptBytes = 3 * 1024 * 1024
