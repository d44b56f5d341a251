/**
 * The life of a model as a state machine: requested → trained → validated → shadow → promoted | rejected → rolled back.
 *
 * Pure. What may follow what stands in one table; a step that is not in it is refused by name, so that no path leads past validation
 * except the one that a person takes by hand.
 */
import type { Model } from '@lapwing/contracts/records'

export type LifeState = Exclude<Model['state'], 'unknown'>

const following: Readonly<Record<Model['state'], readonly LifeState[]>> = {
  unknown: [],
  requested: ['trained', 'rejected'],
  trained: ['validated', 'rejected'],
  validated: ['shadow'],
  shadow: ['promoted', 'rejected'],
  promoted: ['promoted', 'rolled_back'],
  // By hand only: the weights are kept, and a person may know better than the numbers.
  rejected: ['promoted'],
  rolled_back: ['promoted'],
}

/** A step that the life of a model does not have. */
export class LifeError extends Error {
  constructor(model: Model, to: LifeState) {
    super(`${model.modelId} is ${stateName(model.state)} and cannot become ${stateName(to)}`)
    this.name = 'LifeError'
  }
}

export function mayBecome({ state }: Pick<Model, 'state'>, to: LifeState): boolean {
  return following[state].includes(to)
}

export interface Change {
  /** Milliseconds since the epoch. */
  readonly atMs: number
  /** For a person, with the numbers. */
  readonly decision: string
}

/** The model in its next state. Throws a LifeError when that may not follow. */
export function moved(model: Model, to: LifeState, { atMs, decision }: Change): Model {
  if (!mayBecome(model, to)) throw new LifeError(model, to)
  return { ...model, state: to, stateAtMs: atMs, decision }
}

/** As people read it. */
export function stateName(state: Model['state']): string {
  return state.replace('_', ' ')
}
