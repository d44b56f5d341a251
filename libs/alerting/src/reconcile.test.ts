import type { Alert } from '@lapwing/contracts/records'
import { describe, expect, test } from 'vitest'
import { alertRecord, startedAtMs } from '../testing/alert.ts'
import { holdOf } from './hold.ts'
import {
  afterDelivered,
  afterFailedAttempt,
  afterRefused,
  beforeDelivery,
  isFinished,
  noProgress,
  type Plan,
  type Progress,
  planDeliveries,
  type ReceiverPolicy,
  type Reconciled,
  settle,
  unsettled,
} from './reconcile.ts'
import { accept, type TrackedAlert } from './tracked-alert.ts'

const minuteMs = 60_000
const nowMs = startedAtMs + 2 * minuteMs
const slack: ReceiverPolicy = {
  resendMs: null,
  resendResolvedForMs: 0,
  spacingMs: 1000,
  batchSize: 1,
}
const holdPolicy = { mutes: [], minimumDurationMs: 0, flappingHoldMs: 5 * minuteMs }
const alertmanager: ReceiverPolicy = { ...slack, resendMs: minuteMs, resendResolvedForMs: 5 * minuteMs, batchSize: 2 }

const place = { offset: 0, writtenAtMs: 0 }
const tracked = (...records: Partial<Alert>[]): TrackedAlert =>
  records.reduce<TrackedAlert | undefined>(
    (so, differences, i) => accept(alertRecord({ recordId: `r${i}`, ...differences }), place, so),
    undefined,
  )!
const opened = {}
const escalated: Partial<Alert> = { severity: 'critical', reason: 'escalated' }
const resolved: Partial<Alert> = { state: 'resolved', severity: 'critical', reason: 'resolved', endedAtMs: nowMs }
const flapping: Partial<Alert> = { decision: 'suppress', reason: 'flapping' }

const reconciled = (alert: TrackedAlert, progress: Progress, differences: Partial<Reconciled> = {}): Reconciled => ({
  ...{ tracked: alert, progress, hold: undefined, continuedAt: null, members: [alert.alert], quietedBy: undefined },
  ...differences,
})
const planFor = (alert: TrackedAlert, progress: Progress, policy = slack, atMs = nowMs): Plan =>
  planDeliveries([reconciled(alert, progress, { hold: holdOf(alert, holdPolicy, atMs) })], policy, atMs)
const toldBy = (alert: TrackedAlert, progress: Progress = noProgress, policy = slack, atMs = nowMs): Progress =>
  afterDelivered(progress, planFor(alert, progress, policy, atMs).deliveries[0]!, atMs).progress
const outcomes = (plan: Plan) => plan.settlements.map(({ record, outcome, reason }) => [record.id, outcome, reason])

describe('a receiver that is told once', () => {
  test('hears of an alert that fires', () => {
    const { deliveries, wakeAtMs } = planFor(tracked(opened), noProgress)
    expect(deliveries).toMatchObject([{ tellings: [{ state: 'firing', severity: 'warning' }], repeated: false, attempt: 1 }])
    expect(wakeAtMs).toBe(Number.POSITIVE_INFINITY)
  })

  test('then hears no more of it', () => {
    expect(planFor(tracked(opened), toldBy(tracked(opened)))).toMatchObject({
      deliveries: [],
      settlements: [],
      wakeAtMs: Infinity,
    })
  })

  test('hears when it gets worse, and of its end, under the severity that it knows', () => {
    const worse = toldBy(tracked(opened, escalated), toldBy(tracked(opened)))
    expect(worse.tellings.map(({ severity }) => severity)).toEqual(['warning', 'critical'])
    const over = toldBy(tracked(opened, escalated, resolved), worse)
    expect(over.tellings.at(-1)).toMatchObject({ state: 'resolved', severity: 'critical' })
    expect(unsettled(tracked(opened, escalated, resolved), over)).toEqual([])
  })

  test('hears only the truth of the moment after an outage', () => {
    const { deliveries } = planFor(tracked(opened, escalated), noProgress)
    const { settlements } = afterDelivered(noProgress, deliveries[0]!, nowMs)
    expect(settlements.map(({ record, outcome, reason }) => [record.id, outcome, reason])).toEqual([
      ['r0', 'suppressed', 'superseded'],
      ['r1', 'delivered', 'escalated'],
    ])
  })

  test('never hears of what was over before it could be told', () => {
    const plan = planFor(tracked(opened, resolved), noProgress)
    expect(plan.deliveries).toEqual([])
    expect(outcomes(plan)).toEqual([
      ['r0', 'suppressed', 'over_before_told'],
      ['r1', 'suppressed', 'over_before_told'],
    ])
  })
})

test('a receiver that may have seen it fire again after its end hears of the end again', () => {
  const over = toldBy(tracked(opened, resolved), toldBy(tracked(opened)))
  const again = { ...over, attempted: [{ state: 'firing', severity: 'warning', atMs: nowMs } as const] }
  expect(planFor(tracked(opened, resolved), over).deliveries).toEqual([])
  expect(planFor(tracked(opened, resolved), again).deliveries).toMatchObject([{ alert: { state: 'resolved' } }])
})

describe('what is not let through', () => {
  test('has its outcome at once, with the reason', () => {
    const plan = planFor(tracked({ decision: 'suppress', reason: 'below_severity', severity: 'info' }), noProgress)
    expect(plan).toMatchObject({ deliveries: [], wakeAtMs: Infinity })
    expect(outcomes(plan)).toEqual([['r0', 'suppressed', 'below_severity']])
  })

  test('because of flapping is pending, and told when it still fires after the hold', () => {
    const held = planFor(tracked(flapping), noProgress)
    expect(held).toMatchObject({ deliveries: [], settlements: [], wakeAtMs: startedAtMs + holdPolicy.flappingHoldMs })
    const later = planFor(tracked(flapping), noProgress, slack, held.wakeAtMs)
    expect(afterDelivered(noProgress, later.deliveries[0]!, nowMs).settlements).toMatchObject([
      { outcome: 'delivered', reason: 'still_firing' },
    ])
  })

  test('because of flapping is never told when it is over before that', () => {
    const plan = planFor(tracked(flapping, { ...resolved, ...flapping }), noProgress, slack, nowMs + 60 * minuteMs)
    expect(plan.deliveries).toEqual([])
    expect(outcomes(plan).map(([, outcome, reason]) => [outcome, reason])).toEqual(Array(2).fill(['suppressed', 'flapping']))
  })

  test('although flapping is told of its end when the receiver knows of the beginning', () => {
    const progress = toldBy(tracked(opened))
    expect(planFor(tracked(opened, { ...resolved, ...flapping }), progress).deliveries).toMatchObject([
      { alert: { state: 'resolved' } },
    ])
  })
})

describe('a receiver without memory', () => {
  const told = toldBy(tracked(opened), noProgress, alertmanager)

  test('is told again at the interval while the alert fires', () => {
    expect(planFor(tracked(opened), told, alertmanager, nowMs + minuteMs - 1)).toMatchObject({
      deliveries: [],
      wakeAtMs: nowMs + minuteMs,
    })
    expect(planFor(tracked(opened), told, alertmanager, nowMs + minuteMs).deliveries).toMatchObject([
      { repeated: true, records: [] },
    ])
  })

  test('is told of the end for five minutes', () => {
    const over = toldBy(tracked(opened, resolved), told, alertmanager)
    const after = (minutes: number) => planFor(tracked(opened, resolved), over, alertmanager, nowMs + minutes * minuteMs)
    expect(after(4).deliveries).toMatchObject([{ repeated: true }])
    expect(after(5)).toMatchObject({ deliveries: [], settlements: [], wakeAtMs: Infinity })
    expect(isFinished(tracked(opened, resolved), over, alertmanager, nowMs + 4 * minuteMs)).toBe(false)
    expect(isFinished(tracked(opened, resolved), over, alertmanager, nowMs + 5 * minuteMs)).toBe(true)
  })

  test('is told at once after a restart, which forgets when it was told', () => {
    expect(planFor(tracked(opened), { ...told, sentAtMs: 0 }, alertmanager).deliveries).toMatchObject([{ repeated: true }])
  })

  test('is never told again that an alert fires which is over', () => {
    const failed = afterFailedAttempt(told, nowMs, { code: 'timeout', attempted: [], alertMayBeAtFault: true, chance: 1 })
    expect(planFor(tracked(opened, resolved), failed, alertmanager, nowMs + 1).deliveries).toEqual([])
  })
})

describe('failures', () => {
  const failure = { code: 'server_error', attempted: [], alertMayBeAtFault: true, chance: 1 }

  test('delay an alert that may be at fault, each time longer', () => {
    const once = afterFailedAttempt(noProgress, nowMs, failure)
    const twice = afterFailedAttempt(once, nowMs, failure)
    expect([once.retryAtMs - nowMs, twice.retryAtMs - nowMs]).toEqual([1000, 2000])
    expect(planFor(tracked(opened), twice)).toMatchObject({ deliveries: [], wakeAtMs: nowMs + 2000 })
    expect(planFor(tracked(opened), twice, slack, nowMs + 2000).deliveries).toMatchObject([{ attempt: 3 }])
  })

  test('that any alert would have met delay none', () => {
    const failed = afterFailedAttempt(noProgress, nowMs, { ...failure, alertMayBeAtFault: false })
    expect(planFor(tracked(opened), failed).deliveries).toHaveLength(1)
  })

  test('that may have arrived all the same are told the end of', () => {
    const { deliveries } = planFor(tracked(opened), noProgress)
    const { attempted } = beforeDelivery(noProgress, deliveries[0]!)
    const unsure = afterFailedAttempt(noProgress, nowMs, { ...failure, attempted })
    const { deliveries: ends } = planFor(tracked(opened, resolved), unsure, alertmanager, nowMs + minuteMs)
    expect(ends).toMatchObject([
      {
        tellings: [
          { state: 'firing', severity: 'warning' },
          { state: 'resolved', severity: 'warning' },
        ],
      },
    ])
    const { progress } = afterDelivered(unsure, ends[0]!, nowMs + minuteMs)
    expect(progress).toMatchObject({ attempted: [], tellings: [{ state: 'firing' }, { state: 'resolved' }] })
    expect(isFinished(tracked(opened, resolved), unsure, slack, nowMs)).toBe(false)
  })

  test('for good are dead letters; the state is not tried again, the next one is', () => {
    const { deliveries } = planFor(tracked(opened), noProgress)
    const { progress, settlements } = afterRefused(noProgress, deliveries[0]!, nowMs)
    expect(settlements).toMatchObject([{ outcome: 'dead_lettered', reason: 'refused' }])
    expect(planFor(tracked(opened), progress, slack, nowMs + 60 * minuteMs).deliveries).toEqual([])
    expect(planFor(tracked(opened, escalated), progress).deliveries).toMatchObject([{ alert: { severity: 'critical' } }])
    expect(
      isFinished(
        tracked(opened, resolved),
        settle(progress, planFor(tracked(opened, resolved), progress).settlements),
        slack,
        nowMs,
      ),
    ).toBe(true)
  })
})

describe('a request', () => {
  const alerts = (['warning', 'critical', 'warning'] as const).map((severity, i) =>
    reconciled(tracked({ id: `a${i}`, seriesKey: `s${i}`, severity, startedAtMs: startedAtMs - i }), noProgress),
  )

  test('takes as many alerts as the receiver does, the most severe first, then in the order of their beginning', () => {
    expect(planDeliveries(alerts, { ...slack, batchSize: 2 }, nowMs).deliveries.map(({ alert }) => alert.id)).toEqual([
      'a1',
      'a2',
    ])
  })

  test('says when a later alert of the series fires under the same identity', () => {
    const over = tracked(opened, resolved)
    const item = reconciled(over, toldBy(tracked(opened)), { continuedAt: 'critical' })
    const plan = planDeliveries([item], alertmanager, nowMs)
    expect(plan.deliveries).toMatchObject([{ alert: { id: 'episode-1' }, continuedAt: 'critical' }])
  })
})
