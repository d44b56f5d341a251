/**
 * A stage whose steps have state that moves with their partition, exactly: every record is learned once per surviving state, and
 * a restart, a crash or a move of the partition goes on as if nothing had happened (`partition-state.ts` has the protocol).
 *
 * What a step changed is put down every `intervalMs` and when the stage stops; while that is being written the step goes on, and a
 * write that failed shows at the next batch. Whoever takes a partition over restores it and
 * reads again what came after; outputs of that part are written again, with the same identities.
 *
 * Records of side inputs (`side-input.ts`) change the state too, and a replay has to see them at the same place. So they take effect
 * only as part of a checkpoint: it is written, with them in it, before any output that they could have changed. And only where
 * the input had its end when the partition was taken over, or later: outputs up to there may have been sent by an earlier owner that
 * did not have them.
 */
import { damageOf, deadLetter } from './dead-letter.ts'
import type { Consumption, LogRecord, OutgoingRecord } from './log.ts'
import {
  type FoundKey,
  type FoundState,
  type KeyState,
  PartitionState,
  type StateDamage,
  type StateOptions,
} from './partition-state.ts'
import { type SideInput, SideReader, TopicEnds, type Waiting } from './side-input.ts'
import { type OpenedStep, runOpenedStage, type StageOptions, type Step } from './stage.ts'

export interface StatefulStep extends Step {
  /**
   * The keys that changed since the last call, each with its state as it is when it is asked for. No record of the partition is
   * processed until the last one was.
   */
  takeChanged(): Iterable<KeyState>
  /** Keys that were forgotten since the last call, asked before `takeChanged`: nothing of them is restored any more, unless they are there anew. */
  takeForgotten?(): Iterable<Uint8Array>
  /**
   * Takes a key's state over, before the first record; one at a time. Throws a RangeError when it does not fit, or rejects with a LogError when something that it
   * needs from elsewhere cannot be had now: then the partition is tried again.
   *
   * @param version layout of the snapshot, from 1 to the one that `state.version` names: what an older release wrote is still read
   */
  restore(key: Uint8Array, snapshot: Uint8Array, version: number): void | Promise<void>
  /**
   * Called instead of `restore`, before the first record, when there is no state that can be used. What it resolves with is told the
   * places, which are taken afterwards: whatever earlier owners had written until now came from in front of them. Rejects as `restore` does.
   */
  beginAnew?(): Promise<(places: NewBeginning) => void>
  /** Takes a record of a side input in, between two records of the input. Throws as `process` does, or rejects as `restore` does. */
  apply?(record: LogRecord): void | Promise<void>
}

/** Offsets of the input in front of which an earlier owner may have been, for a step that begins without its state. */
export interface NewBeginning {
  /** All before it was answered by an earlier owner, for certain; 0 where nothing is known. */
  readonly answeredBefore: bigint
  /** No earlier owner has seen this one or a later one. */
  readonly unseenFrom: bigint
}

export interface StatefulStageOptions extends Omit<StageOptions, 'createStep' | 'inputs'> {
  readonly input: string
  readonly sideInputs?: readonly SideInput[]
  readonly state: StateOptions
  createStep(partition: number): Promise<StatefulStep>
  onState(event: StateEvent): void
}

/** What happens to the state of a partition: for logs and metrics. */
export type StateEvent =
  | { readonly kind: 'restored'; readonly partition: number; readonly keys: number; readonly durationMs: number }
  | { readonly kind: 'cold'; readonly partition: number }
  | { readonly kind: 'damaged'; readonly partition: number; readonly reason: StateDamage }
  /** The input no longer holds what comes after the state. */
  | { readonly kind: 'gap'; readonly partition: number; readonly from: bigint; readonly to: bigint }
  | {
      readonly kind: 'checkpoint'
      readonly partition: number
      readonly keys: number
      readonly bytes: number
      readonly durationMs: number
    }
  /** A checkpoint that was being written in the background is not on the log, as far as we know: told here, because its owner may be gone. */
  | { readonly kind: 'unwritten'; readonly partition: number; readonly error: Error }
  /** Records of side inputs took effect behind this offset of the input, and the checkpoint with them is written. */
  | { readonly kind: 'applied'; readonly partition: number; readonly records: number; readonly sourceOffset: bigint }

export function runStatefulStage(options: StatefulStageOptions): Promise<Consumption> {
  const ends = new TopicEnds(options.log)
  return runOpenedStage({ ...options, inputs: [options.input] }, (partition) => openPartition(partition, ends, options))
}

async function openPartition(partition: number, ends: TopicEnds, options: StatefulStageOptions): Promise<OpenedStep> {
  const startMs = performance.now()
  const { state, found } = await PartitionState.takeOver(options.log, options.group, partition, options.state)
  const restored = found.damage ? undefined : await restoreStep(await options.createStep(partition), found.keys)
  const damage = found.damage ?? (restored ? undefined : 'length')
  const step = restored ?? (await options.createStep(partition))
  if (damage) state.forget()
  if (damage) options.onState({ kind: 'damaged', partition, reason: damage })
  else if (found.sourceOffset === undefined) options.onState({ kind: 'cold', partition })
  else options.onState({ kind: 'restored', partition, keys: found.keys.length, durationMs: performance.now() - startMs })
  const used = damage ? undefined : found
  const begin = used?.sourceOffset === undefined ? await step.beginAnew?.() : undefined
  const places = await placesOf(partition, used, options)
  begin?.({ answeredBefore: (found.leftAt ?? -1n) + 1n, unseenFrom: places.unseenFrom })
  const side = new SideReader(options.log, options.sideInputs ?? [], ends, partition, used?.sidePositions ?? [])
  return openedStep({ step, state, side, ...places }, partition, options)
}

/** undefined when a snapshot does not fit; the step is then of no use any more. */
async function restoreStep(step: StatefulStep, keys: readonly FoundKey[]): Promise<StatefulStep | undefined> {
  try {
    for (const { key, snapshot, version } of keys) {
      const restoring = step.restore(key, snapshot, version)
      if (restoring) await restoring
    }
    return step
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Offsets of the input, as they are once the partition is ours. */
interface Places {
  readonly replayFrom: bigint
  /** No earlier owner has seen this offset or a later one. */
  readonly unseenFrom: bigint
}

async function placesOf(partition: number, found: FoundState | undefined, options: StatefulStageOptions): Promise<Places> {
  const { earliest, next: unseenFrom } = (await options.log.offsets(options.input))[partition]!
  if (found?.sourceOffset === undefined) return { replayFrom: earliest, unseenFrom }
  const from = found.sourceOffset + 1n
  if (from >= earliest) return { replayFrom: from, unseenFrom }
  options.onState({ kind: 'gap', partition, from, to: earliest })
  return { replayFrom: earliest, unseenFrom }
}

interface OwnedPartition extends Places {
  readonly step: StatefulStep
  readonly state: PartitionState
  readonly side: SideReader
}

function openedStep(owned: OwnedPartition, partition: number, options: StatefulStageOptions): OpenedStep {
  const { step, state, side, replayFrom, unseenFrom } = owned
  const waitingAt = async (offset: bigint) => (offset + 1n < unseenFrom ? undefined : side.waiting())
  let writing: Promise<void> = Promise.resolve()
  let isWriting = false
  /** Resolves when the step may go on: what it takes from side inputs has to be on the log first, the rest may follow. */
  const checkpoint = async (offset: bigint, waiting: Waiting | undefined) => {
    await writing
    const startMs = performance.now()
    const { records, outputs } = await applyWaiting(waiting, owned, options)
    const { keys, bytes, commit } = await state.prepare(step.takeChanged(), offset, {
      sidePositions: side.positions(),
      forgotten: step.takeForgotten?.() ?? [],
      outputs,
    })
    isWriting = true
    writing = commit()
      .finally(() => {
        isWriting = false
      })
      .then(() => options.onState({ kind: 'checkpoint', partition, keys, bytes, durationMs: performance.now() - startMs }))
    // Whoever looks next gets the error as well.
    writing.catch((error: Error) => options.onState({ kind: 'unwritten', partition, error }))
    if (waiting) await writing
    if (records > 0) options.onState({ kind: 'applied', partition, records, sourceOffset: offset })
  }
  return {
    step,
    replayFrom,
    approach: async (offset) => {
      const waiting = await waitingAt(offset)
      if (waiting && state.isDue(waiting.intervalMs)) await checkpoint(offset, waiting)
    },
    advanced: async (offset) => {
      if (isWriting) return
      await writing
      if (state.isDue()) await checkpoint(offset, await waitingAt(offset))
    },
    finish: async (offset) => {
      if (offset !== undefined && offset >= replayFrom) await checkpoint(offset, undefined)
      await writing
      await state.close()
    },
    abandon: () => {
      state.close().catch(() => undefined)
    },
  }
}

/** Every record that waits, through the step; what is damaged becomes a dead letter. */
async function applyWaiting(
  waiting: Waiting | undefined,
  { step, side }: OwnedPartition,
  options: StatefulStageOptions,
): Promise<{ records: number; outputs: OutgoingRecord[] }> {
  const outputs: OutgoingRecord[] = []
  let records = 0
  if (!waiting) return { records, outputs }
  for await (const record of side.take(waiting)) {
    records++
    try {
      await step.apply?.(record)
    } catch (error) {
      const reason = damageOf(error)
      if (!reason) throw error
      options.observer.deadLetter(record.topic, reason)
      outputs.push(deadLetter(record, reason, error as Error, options))
    }
  }
  return { records, outputs }
}
