/** A checkpoint for tests, in the order in which a stage asks: first what was forgotten, then what changed. */
import type { KeyState } from '@lapwing/stream/partition-state'
import type { StatefulStep } from '@lapwing/stream/stateful-stage'

export interface TakenCheckpoint {
  /** Hexadecimal digits of keys that get a tombstone. */
  readonly forgotten: readonly string[]
  readonly states: readonly KeyState[]
}

export function takeCheckpoint(step: Pick<StatefulStep, 'takeForgotten' | 'takeChanged'>): TakenCheckpoint {
  const forgotten = [...(step.takeForgotten?.() ?? [])].map((key) => Buffer.from(key).toString('hex'))
  return { forgotten, states: [...step.takeChanged()] }
}
