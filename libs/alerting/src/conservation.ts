/**
 * The conservation law of alerts, per receiver: accepted = delivered + suppressed + dead-lettered + pending.
 *
 * Checked record by record rather than by comparing sums, in which a lost record and one with two outcomes cancel out. Outcomes
 * may be written twice after a crash; the same outcome again is no breach, a different one is.
 */
import type { NotificationOutcome } from '@lapwing/contracts/records'

export interface RecordOutcome {
  readonly recordId: string
  readonly outcome: Exclude<NotificationOutcome, 'unknown' | 'pending'>
}

/**
 * The breaches, one sentence each; empty when the law holds.
 *
 * @param accepted ids of the records taken on for a receiver
 * @param outcomes final outcomes for that receiver
 * @param pending ids of the records that it still has before it
 */
export function conservationBreaches(
  accepted: readonly string[],
  outcomes: readonly RecordOutcome[],
  pending: readonly string[],
): string[] {
  const found = new Map<string, Set<string>>()
  const note = (id: string, outcome: string) => found.set(id, (found.get(id) ?? new Set()).add(outcome))
  for (const { recordId, outcome } of outcomes) note(recordId, outcome)
  for (const id of pending) note(id, 'pending')

  const known = new Set(accepted)
  const missing = [...known].filter((id) => !found.has(id)).map((id) => `${id} has no outcome`)
  const stray = [...found.keys()].filter((id) => !known.has(id)).map((id) => `${id} has an outcome but was never accepted`)
  const several = [...found]
    .filter(([, outcomes]) => outcomes.size > 1)
    .map(([id, outcomes]) => `${id} is ${[...outcomes].join(' and ')}`)
  return [...missing, ...stray, ...several]
}
