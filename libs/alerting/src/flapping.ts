/**
 * Flapping suppression: tells when the alerts of a series come and go so often that each change is noise.
 *
 * Time is cut into slots; a slot counts when an alert opened or ended in it. The share of the newest slots that count, a newer
 * one weighing more (linearly from 0.8 to 1.2), is the change ratio. Flapping starts when the ratio exceeds `startRatio` and ends
 * below `stopRatio`; the gap between the two keeps the verdict itself from flapping.
 *
 * Nagios counts checks; anomalies arrive only when something changes, so counting them would call two changes a day apart
 * flapping. Slots of event time do not, and a replay decides the same. Blind within a slot: one change or ten count once. Blind
 * between changes: the verdict is that of the last one, so whoever holds an alert back must let go after a time.
 *
 * Source: Nagios Core 4, "Detection and Handling of State Flapping".
 */

export interface FlappingPolicy {
  /** Slots remembered, 3 to 31: a slot fits one bit of an int32. */
  readonly slots: number
  readonly slotMs: number
  /** Weighted share of slots with a change, 0 to 1, above which flapping starts. */
  readonly startRatio: number
  /** The same, below which it ends; at most `startRatio`. */
  readonly stopRatio: number
}

export interface FlappingState {
  /** One bit per slot, newest lowest, 1 = something changed. */
  readonly changes: number
  /** Number of the newest slot since the epoch. */
  readonly newestSlot: number
  readonly flapping: boolean
}

export const neverChanged: FlappingState = { changes: 0, newestSlot: 0, flapping: false }

/** Nagios' ratios over a window cut into twenty slots: of an hour, about ten of its three-minute slots must see a change. */
export function flappingPolicy(windowMs: number): FlappingPolicy {
  const slots = 20
  return { slots, slotMs: windowMs / slots, startRatio: 0.5, stopRatio: 0.25 }
}

/** The state after a change at this event time. A change older than the window alters nothing. */
export function observeChange(state: FlappingState, atMs: number, policy: FlappingPolicy): FlappingState {
  const slot = Math.floor(atMs / policy.slotMs)
  const newestSlot = Math.max(state.newestSlot, slot)
  const kept = shifted(state.changes, newestSlot - state.newestSlot, policy.slots)
  const age = newestSlot - slot
  const changes = age < policy.slots ? kept | (1 << age) : kept
  const ratio = changeRatio(changes, policy.slots)
  const flapping = state.flapping ? ratio >= policy.stopRatio : ratio > policy.startRatio
  return { changes, newestSlot, flapping }
}

/** Weighted share of the slots that have a change, 0 to 1. */
export function changeRatio(changes: number, slots: number): number {
  let weighted = 0
  for (let age = 0; age < slots; age++) {
    if ((changes >>> age) & 1) weighted += newestWeight - (age / (slots - 1)) * (newestWeight - oldestWeight)
  }
  return weighted / slots
}

const newestWeight = 1.2
const oldestWeight = 0.8

/** JavaScript shifts by the remainder of 32, so a long silence needs its own case. */
function shifted(changes: number, by: number, slots: number): number {
  return by >= slots ? 0 : (changes << by) & (2 ** slots - 1)
}
