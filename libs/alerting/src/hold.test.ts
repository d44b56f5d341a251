import type { Alert } from '@lapwing/contracts/records'
import { canaryMetric } from '@lapwing/contracts/series'
import { describe, expect, test } from 'vitest'
import { alertRecord, startedAtMs } from '../testing/alert.ts'
import { type HoldPolicy, holdOf } from './hold.ts'
import { parseMatcher } from './matcher.ts'
import type { Mute } from './mute.ts'
import { accept, type TrackedAlert } from './tracked-alert.ts'

const minuteMs = 60_000
const policy: HoldPolicy = { mutes: [], minimumDurationMs: 0, flappingHoldMs: 5 * minuteMs }
const mute: Mute = {
  ...{ id: 'move', author: 'ada', comment: 'database move', intervals: [], windows: null },
  matchers: [parseMatcher('metric="node_load1"'), parseMatcher('severity!="critical"')],
  startsAtMs: startedAtMs,
  endsAtMs: startedAtMs + 60 * minuteMs,
}
const tracked = (...records: Partial<Alert>[]): TrackedAlert =>
  records.reduce<TrackedAlert | undefined>(
    (so, differences, i) => accept(alertRecord({ recordId: `r${i}`, ...differences }), { offset: 0, writtenAtMs: 0 }, so),
    undefined,
  )!

describe('an alert that fires', () => {
  test('is held by nothing when nothing is asked for', () => {
    expect(holdOf(tracked({}), policy, startedAtMs)).toBeUndefined()
  })

  test('is held for good when it is of the canary, however severe', () => {
    const canary = tracked({ metric: canaryMetric, severity: 'critical' })
    expect(holdOf(canary, policy, startedAtMs)).toEqual({ reason: 'canary', detail: '', untilMs: Number.POSITIVE_INFINITY })
  })

  test('is held until it has fired long enough', () => {
    const patient = { ...policy, minimumDurationMs: 2 * minuteMs }
    expect(holdOf(tracked({}), patient, startedAtMs + 2 * minuteMs - 1)).toMatchObject({
      reason: 'too_short',
      untilMs: startedAtMs + 2 * minuteMs,
    })
    expect(holdOf(tracked({}), patient, startedAtMs + 2 * minuteMs)).toBeUndefined()
  })

  test('is held while it is muted, and it is told by whom and why', () => {
    const muted = { ...policy, mutes: [mute] }
    expect(holdOf(tracked({}), muted, startedAtMs)).toEqual({
      reason: 'muted',
      detail: 'move by ada: database move',
      untilMs: mute.endsAtMs,
    })
    expect(holdOf(tracked({ severity: 'critical' }), muted, startedAtMs)).toBeUndefined()
    expect(holdOf(tracked({}), muted, mute.endsAtMs)).toBeUndefined()
  })

  test('is held while its series flaps, unless a rise in severity was let through', () => {
    const flapping: Partial<Alert> = { decision: 'suppress', reason: 'flapping' }
    expect(holdOf(tracked(flapping), policy, startedAtMs)).toMatchObject({ reason: 'flapping' })
    expect(holdOf(tracked(flapping), policy, startedAtMs + 5 * minuteMs)).toBeUndefined()
    expect(holdOf(tracked(flapping, { severity: 'critical', reason: 'escalated' }), policy, startedAtMs)).toBeUndefined()
  })

  test('below the minimum severity waits for another record', () => {
    const quiet = tracked({ decision: 'suppress', reason: 'below_severity', severity: 'info' })
    expect(holdOf(quiet, policy, startedAtMs)).toMatchObject({ reason: 'below_severity', untilMs: Infinity })
  })
})

test('an end is never held', () => {
  expect(
    holdOf(tracked({ state: 'resolved' }), { ...policy, mutes: [mute], minimumDurationMs: 1e9 }, startedAtMs),
  ).toBeUndefined()
})
