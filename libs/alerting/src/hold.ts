/**
 * Why an alert that fires is not told yet, and when to look again.
 *
 * A hold is never final. What is held still fires or ends: if it ends, the hold's name is the reason of its outcome; if it still
 * fires when the hold is over, it is told. So the last state is hidden by none of them.
 */
import type { Alert } from '@lapwing/contracts/records'
import { canaryMetric } from '@lapwing/contracts/series'
import { identityLabels } from './alertmanager-alert.ts'
import { type Mute, muteFor } from './mute.ts'
import { flappingReason, type TrackedAlert } from './tracked-alert.ts'

export interface Hold {
  readonly reason: HoldReason
  /** For a person: which mute, whose. Empty when the reason says it all. */
  readonly detail: string
  /** Infinity: only another record can end it. */
  readonly untilMs: number
}

export type HoldReason = 'canary' | 'below_severity' | 'flapping' | 'muted' | 'too_short'

export interface HoldPolicy {
  readonly mutes: readonly Mute[]
  /** An alert must have fired for so long. */
  readonly minimumDurationMs: number
  /** A flapping one is let through when it still fires so long after it started. */
  readonly flappingHoldMs: number
}

/** The strongest reason to hold this alert now; undefined when there is none, or it does not fire. */
export function holdOf(tracked: TrackedAlert, policy: HoldPolicy, nowMs: number): Hold | undefined {
  const { alert } = tracked
  if (alert.state !== 'firing') return undefined
  if (alert.metric === canaryMetric) return { reason: 'canary', detail: '', untilMs: Number.POSITIVE_INFINITY }
  const seriesHold = heldBySeries(tracked, policy, nowMs)
  if (seriesHold) return seriesHold
  const muted = policy.mutes.length > 0 ? muteFor(policy.mutes, matchedLabels(alert), nowMs) : undefined
  if (muted)
    return { reason: 'muted', detail: `${muted.mute.id} by ${muted.mute.author}: ${muted.mute.comment}`, untilMs: muted.untilMs }
  const oldEnoughMs = alert.startedAtMs + policy.minimumDurationMs
  return oldEnoughMs > nowMs ? { reason: 'too_short', detail: '', untilMs: oldEnoughMs } : undefined
}

/** What matchers see: the labels that Alertmanager shows, `alertname`, `metric` and `severity` among them. */
export function matchedLabels(alert: Alert): Readonly<Record<string, string>> {
  return identityLabels(alert, alert.severity)
}

/** What the first stage decided for the series. */
function heldBySeries({ alert, records }: TrackedAlert, policy: HoldPolicy, nowMs: number): Hold | undefined {
  if (records.some(({ decision }) => decision === 'notify')) return undefined
  if (!records.some(({ reason }) => reason === flappingReason)) {
    return { reason: 'below_severity', detail: '', untilMs: Number.POSITIVE_INFINITY }
  }
  const untilMs = alert.startedAtMs + policy.flappingHoldMs
  return untilMs > nowMs ? { reason: 'flapping', detail: '', untilMs } : undefined
}
