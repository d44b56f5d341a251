/**
 * A stage: records in, a pure step per partition, records out, then the position.
 *
 * Guarantees, at least once: the position moves past a batch only when all that the step emitted for it is acknowledged. A
 * record that cannot be decoded goes to the dead letters with its reason and original bytes, and its neighbours go on. A
 * partition that is new to this process gets a fresh step from `createStep`, which reads whatever state it needs; one that is kept
 * over a rebalance keeps its step. A step sees each record once: when a send fails, what it emitted is sent again, and a batch
 * that comes again goes on where it was left. An output that is larger than its topic takes goes to the dead letters as well: sent
 * again and again it would stop the partition for good. A step that throws anything but a damaged record is a bug and ends the process.
 */
import { setTimeout } from 'node:timers/promises'
import { damageOf, deadLetter } from './dead-letter.ts'
import { LogError } from './errors.ts'
import type { BatchContext, Consumption, Log, LogRecord, OutgoingRecord, Producer, RecordBatch } from './log.ts'
import { takenOverAgain } from './take-over-again.ts'
import { carrying, processing } from './trace-context.ts'

/** The decision about the records of one partition. Deterministic: no clock, no I/O; it may keep and change its own state. */
export interface Step {
  process(record: LogRecord, emit: (output: OutgoingRecord) => void): void
}

/** A step ready for its first record, and what goes with it. */
export interface OpenedStep {
  readonly step: Step
  /** Offset from which the step has to see the input, whatever the position of the group is. */
  readonly replayFrom?: bigint
  /** Called before each batch; everything up to this offset has been processed and its outputs are acknowledged. */
  approach?(offset: bigint): Promise<void>
  /** Called after each batch, with the same meaning. */
  advanced?(offset: bigint): Promise<void>
  /** Once, in order; `offset` as above. Not called when the partition was taken away. */
  finish?(offset: bigint | undefined): Promise<void>
  /** The partition is somebody else's now. */
  abandon?(): void
}

/** What there is of a partition between two batches. */
interface PartitionWork {
  readonly opened: Promise<OpenedStep>
  isCaughtUp: boolean
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
  batch(done: BatchDone): void
  deadLetter(topic: string, reason: string): void
  assigned(partitions: ReadonlyMap<string, readonly number[]>): void
}

export interface BatchDone {
  readonly topic: string
  readonly partition: number
  readonly records: number
  /** From receiving the batch to its outputs being acknowledged. */
  readonly durationMs: number
  /** Records of the partition that are still to come after this batch. */
  readonly lagRecords: number
}

export async function runStage(options: StageOptions): Promise<Consumption> {
  return runOpenedStage(options, async (partition) => ({ step: await options.createStep(partition) }))
}

/** As `runStage`, with steps that are opened by more than `createStep`. */
export async function runOpenedStage(
  options: Omit<StageOptions, 'createStep'>,
  open: (partition: number) => Promise<OpenedStep>,
): Promise<Consumption> {
  const producer = await options.log.producer()
  const works = new Map<number, PartitionWork>()
  const consuming = options.log.consume({
    group: options.group,
    topics: options.inputs,
    from: 'earliest',
    onAssignment: (partitions) => {
      const owned = new Set([...partitions.values()].flat())
      for (const partition of works.keys()) if (!owned.has(partition)) abandon(partition, works)
      options.observer.assigned(partitions)
    },
    onBatch: async (batch, context) => {
      const work = works.get(batch.partition) ?? beginWork(batch.partition, works, open)
      const opened = await whileAlive(work.opened, context).catch(rethrow)
      /** What became of a checkpoint that fails is not known: the next batch begins with what was put down for certain. */
      const orAbandon = (error: unknown): never => {
        abandon(batch.partition, works)
        return rethrow(error)
      }
      if (!context.alive()) return
      await sendOutputs(work, producer, options)
      if (opened.approach) await whileAlive(opened.approach(placeOf(work, opened, batch)), context).catch(orAbandon)
      await processBatch(batch, work, opened, producer, context, options)
      if (!context.alive()) return
      await opened.advanced?.(lastOffsetOf(batch)).catch(orAbandon)
    },
    onFatal: options.onFatal,
  })
  const consumption = await consuming.catch(async (error: unknown) => {
    await producer.close()
    throw error
  })
  const stop = async (beforeLeaving?: () => Promise<void>) => {
    await consumption.stop(async () => {
      await finishAll(works, options)
      await beforeLeaving?.()
    })
    await producer.close()
  }
  return { lastActivityMs: consumption.lastActivityMs, stop }
}

function beginWork(
  partition: number,
  works: Map<number, PartitionWork>,
  open: (partition: number) => Promise<OpenedStep>,
): PartitionWork {
  const work: PartitionWork = { opened: open(partition), isCaughtUp: false, seen: new Map(), outputs: [], outputBytes: 0 }
  works.set(partition, work)
  // Whoever waits for the step gets the error; the next batch tries anew.
  work.opened.catch(() => {
    if (works.get(partition) === work) works.delete(partition)
  })
  return work
}

/**
 * Before the group is left: whoever gets the partitions then finds everything put down. One that is somebody else's already, because
 * this process stood still for too long, goes on there from its last checkpoint.
 */
async function finishAll(works: ReadonlyMap<number, PartitionWork>, options: ProcessOptions): Promise<void> {
  for (const [partition, work] of works) {
    await finishWork(work, options).catch((error: unknown) => {
      const isOurs = works.get(partition) === work && takenOverAgain(error) === error
      if (isOurs) throw error
    })
  }
}

/** What was emitted and is not acknowledged has to be emitted again, so its input must not count as done. */
async function finishWork(work: PartitionWork, { inputs }: ProcessOptions): Promise<void> {
  const opened = await work.opened
  if (work.outputs.length > 0) opened.abandon?.()
  else await opened.finish?.(work.seen.get(inputs[0]!))
}

/** Last offset before the batch that the step has done with. */
function placeOf({ seen }: PartitionWork, { replayFrom }: OpenedStep, { topic, records, endOffset }: RecordBatch): bigint {
  return seen.get(topic) ?? (replayFrom ?? records[0]?.offset ?? endOffset) - 1n
}

function abandon(partition: number, works: Map<number, PartitionWork>): void {
  const work = works.get(partition)
  works.delete(partition)
  // A step that could not be opened has nothing to leave behind, and who waited for it has its error.
  work?.opened.then(
    ({ abandon: leave }) => leave?.(),
    () => {},
  )
}

/** If the partition stays here, its batch comes again; if not, it does not come. */
function rethrow(error: unknown): never {
  throw takenOverAgain(error)
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

type ProcessOptions = Omit<StageOptions, 'createStep'>

async function processBatch(
  batch: RecordBatch,
  work: PartitionWork,
  opened: OpenedStep,
  producer: Producer,
  context: BatchContext,
  options: ProcessOptions,
): Promise<void> {
  const startMs = performance.now()
  const { topic, partition, records } = batch
  const firstOffset = records[0]?.offset ?? batch.endOffset
  if (opened.replayFrom !== undefined && !work.isCaughtUp) {
    const seen = work.seen.get(topic) ?? opened.replayFrom - 1n
    work.seen.set(topic, seen)
    for await (const missed of options.log.readRange(topic, partition, seen + 1n, firstOffset)) {
      await processRecords(missed, work, opened.step, producer, context, options)
    }
  }
  await processRecords(records, work, opened.step, producer, context, options)
  if (!context.alive()) return
  work.isCaughtUp = true
  const lagRecords = Number(batch.endOffset - lastOffsetOf(batch) - 1n)
  options.observer.batch({ topic, partition, records: records.length, durationMs: performance.now() - startMs, lagRecords })
}

function lastOffsetOf({ records, endOffset }: RecordBatch): bigint {
  return records.at(-1)?.offset ?? endOffset - 1n
}

/** Through the step and out; returns early when the partition is taken away. */
async function processRecords(
  records: readonly LogRecord[],
  work: PartitionWork,
  step: Step,
  producer: Producer,
  context: BatchContext,
  options: ProcessOptions,
): Promise<void> {
  let sliceStartMs = performance.now()
  const emit = (output: OutgoingRecord) => {
    work.outputs.push(output)
    work.outputBytes += output.value?.length ?? 0
  }
  for (const record of records) {
    if (!context.alive()) return
    if (record.offset <= (work.seen.get(record.topic) ?? -1n)) continue
    processRecord(record, step, emit, options)
    work.seen.set(record.topic, record.offset)
    if (work.outputBytes >= sendBytes) await sendOutputs(work, producer, options)
    if (performance.now() - sliceStartMs > sliceMs) {
      await context.heartbeat()
      sliceStartMs = performance.now()
    }
  }
  if (context.alive()) await sendOutputs(work, producer, options)
}

async function sendOutputs(work: PartitionWork, producer: Producer, options: ProcessOptions): Promise<void> {
  if (work.outputs.length === 0) return
  try {
    await producer.send(work.outputs)
  } catch (error) {
    if (!isTooLarge(error)) throw error
    await sendOneByOne(work.outputs, producer, options)
  }
  work.outputs = []
  work.outputBytes = 0
}

/** Some of them may be on the log already; they are written again, as after any failed send. */
async function sendOneByOne(outputs: readonly OutgoingRecord[], producer: Producer, options: ProcessOptions): Promise<void> {
  for (const output of outputs) {
    try {
      await producer.send([output])
    } catch (error) {
      if (!isTooLarge(error)) throw error
      options.observer.deadLetter(output.topic, 'too_large')
      const unwritten = { ...output, offset: notOnTheLog, timestampMs: 0 }
      await producer.send([deadLetter(unwritten, 'too_large', error, options)])
    }
  }
}

function isTooLarge(error: unknown): error is LogError {
  return error instanceof LogError && error.code === 'too_large'
}

/** Offset of a record in its dead letter when the log never took it. */
const notOnTheLog = -1n

function processRecord(record: LogRecord, step: Step, emit: (output: OutgoingRecord) => void, options: ProcessOptions): void {
  try {
    processing(record, options.service, () => step.process(record, (output) => emit(carrying(output))))
  } catch (error) {
    const reason = damageOf(error)
    if (!reason) throw error
    options.observer.deadLetter(record.topic, reason)
    emit(deadLetter(record, reason, error as Error, options))
  }
}
