/**
 * A stage whose steps have state that moves with their partition, exactly: every record is learned once per surviving state, and
 * a restart, a crash or a move of the partition goes on as if nothing had happened (`partition-state.ts` has the protocol).
 *
 * What a step changed is put down every `intervalMs` and when the stage stops. Whoever takes a partition over restores it and
 * reads again what came after; outputs of that part are written again, with the same identities.
 */
import type { Consumption } from './log.ts'
import { type FoundKey, type KeyState, PartitionState, type StateDamage, type StateOptions } from './partition-state.ts'
import { type OpenedStep, runOpenedStage, type StageOptions, type Step } from './stage.ts'

export interface StatefulStep extends Step {
  /**
   * The keys that changed since the last call, each with its state as it is when it is asked for. No record of the partition is
   * processed until the last one was.
   */
  takeChanged(): Iterable<KeyState>
  /**
   * Takes a key's state over, before the first record. Throws a RangeError when it does not fit.
   *
   * @param version layout of the snapshot, from 1 to the one that `state.version` names: what an older release wrote is still read
   */
  restore(key: Uint8Array, snapshot: Uint8Array, version: number): void
}

export interface StatefulStageOptions extends Omit<StageOptions, 'createStep' | 'inputs'> {
  readonly input: string
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

export function runStatefulStage(options: StatefulStageOptions): Promise<Consumption> {
  return runOpenedStage({ ...options, inputs: [options.input] }, (partition) => openPartition(partition, options))
}

async function openPartition(partition: number, options: StatefulStageOptions): Promise<OpenedStep> {
  const startMs = performance.now()
  const { state, found } = await PartitionState.takeOver(options.log, options.group, partition, options.state)
  const restored = found.damage ? undefined : restoreStep(await options.createStep(partition), found.keys)
  const damage = found.damage ?? (restored ? undefined : 'length')
  const step = restored ?? (await options.createStep(partition))
  if (damage) state.forget()
  if (damage) options.onState({ kind: 'damaged', partition, reason: damage })
  else if (found.sourceOffset === undefined) options.onState({ kind: 'cold', partition })
  else options.onState({ kind: 'restored', partition, keys: found.keys.length, durationMs: performance.now() - startMs })
  const replayFrom = await replayOffset(partition, damage ? undefined : found.sourceOffset, options)
  return openedStep(step, state, replayFrom, partition, options)
}

/** undefined when a snapshot does not fit; the step is then of no use any more. */
function restoreStep(step: StatefulStep, keys: readonly FoundKey[]): StatefulStep | undefined {
  try {
    for (const { key, snapshot, version } of keys) step.restore(key, snapshot, version)
    return step
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

async function replayOffset(partition: number, sourceOffset: bigint | undefined, options: StatefulStageOptions): Promise<bigint> {
  const { earliest } = (await options.log.offsets(options.input))[partition]!
  if (sourceOffset === undefined) return earliest
  if (sourceOffset + 1n >= earliest) return sourceOffset + 1n
  options.onState({ kind: 'gap', partition, from: sourceOffset + 1n, to: earliest })
  return earliest
}

function openedStep(
  step: StatefulStep,
  state: PartitionState,
  replayFrom: bigint,
  partition: number,
  { onState }: StatefulStageOptions,
): OpenedStep {
  const checkpoint = async (offset: bigint) => {
    const startMs = performance.now()
    const written = await state.write(step.takeChanged(), offset)
    onState({ kind: 'checkpoint', partition, ...written, durationMs: performance.now() - startMs })
  }
  return {
    step,
    replayFrom,
    advanced: async (offset) => {
      if (state.isDue()) await checkpoint(offset)
    },
    finish: async (offset) => {
      if (offset !== undefined && offset >= replayFrom) await checkpoint(offset)
      await state.close()
    },
    abandon: () => {
      state.close().catch(() => undefined)
    },
  }
}
