import { flappingPolicy } from '@lapwing/alerting/flapping'
import type { Alert, Anomaly } from '@lapwing/contracts/records'
import { describe, expect, test } from 'vitest'
import { anomalyRecord, episode } from '../testing/anomalies.ts'
import { type DecisionPolicy, decideAlert, type SeriesState } from './decide-alert.ts'

const minuteMs = 60_000
const policy: DecisionPolicy = { minimumSeverity: 'warning', flapping: flappingPolicy(60 * minuteMs) }

function decideAll(...anomalies: Anomaly[]): { state: SeriesState | undefined; alerts: Alert[] } {
  let state: SeriesState | undefined
  const alerts: Alert[] = []
  for (const anomaly of anomalies) {
    const decision = decideAlert(anomaly, state, policy)
    state = decision.state
    alerts.push(decision.alert)
  }
  return { state, alerts }
}
const said = (alerts: Alert[]) => alerts.map(({ state, decision, reason }) => `${state} ${decision} ${reason}`)

/** Episodes of one minute, one after the other, on one series. */
const episodesEvery = (minutes: number, count: number): Anomaly[] =>
  Array.from({ length: count }, (_, i) => {
    const startedAtMs = i * minutes * minuteMs
    const own = { episodeId: `e${i}`, startedAtMs, observedAtMs: startedAtMs }
    const endedAtMs = startedAtMs + minuteMs
    return [
      anomalyRecord({ ...own, id: `e${i}/opened` }),
      anomalyRecord({ ...own, id: `e${i}/resolved`, state: 'resolved', observedAtMs: endedAtMs, endedAtMs }),
    ]
  }).flat()

const { opened, escalated, resolved } = episode('a')

describe('an episode', () => {
  test('is told when it opens, escalates and ends', () => {
    const { alerts } = decideAll(opened, escalated, resolved)
    expect(said(alerts)).toEqual(['firing notify new', 'firing notify escalated', 'resolved notify resolved'])
    expect(alerts[0]).toMatchObject({
      id: 'a',
      recordId: 'a/opened',
      anomalyId: 'a/opened',
      route: 'default',
      reasons: opened.reasons,
    })
  })

  test('of a detector that began anew ends with that for a reason', () => {
    const unseen = { ...resolved, endReason: 'began_anew' }
    expect(said(decideAll(opened, unseen).alerts)).toEqual(['firing notify new', 'resolved notify began_anew'])
  })

  test('below the minimum severity is recorded and not told, until it rises above', () => {
    const quiet = { ...opened, severity: 'info' } as const
    expect(said(decideAll(quiet, resolved).alerts)).toEqual([
      'firing suppress below_severity',
      'resolved suppress below_severity',
    ])
    expect(said(decideAll(quiet, escalated).alerts)).toEqual(['firing suppress below_severity', 'firing notify escalated'])
  })
})

describe('a record', () => {
  test('sent twice is answered like the first time, so that a lost answer is made good', () => {
    const [first, second] = decideAll(opened, opened).alerts
    expect(second).toEqual(first)
  })

  test('sent again after the end is answered with the truth of today', () => {
    expect(decideAll(opened, resolved, opened).alerts[2]).toMatchObject({
      recordId: 'a/opened',
      state: 'resolved',
      endedAtMs: resolved.endedAtMs,
    })
  })

  test('that says what is already true is a duplicate', () => {
    expect(said(decideAll(opened, { ...opened, id: 'another' }).alerts)[1]).toBe('firing suppress duplicate')
  })

  test('about an episode that a later one replaced says that it is over', () => {
    const next = anomalyRecord({ id: 'n', episodeId: 'n', startedAtMs: opened.startedAtMs + minuteMs })
    const [, late] = decideAll(next, opened).alerts
    expect(late).toMatchObject({
      id: 'a',
      state: 'resolved',
      decision: 'suppress',
      reason: 'outdated',
      endedAtMs: next.startedAtMs,
    })
  })
})

describe('a flapping series', () => {
  const noisy = episodesEvery(6, 12)
  const at = (min: number) => ({ startedAtMs: min * minuteMs, observedAtMs: min * minuteMs })

  test('is held back', () => {
    expect(said(decideAll(...noisy).alerts).slice(-2)).toEqual(['firing suppress flapping', 'resolved suppress flapping'])
  })

  test('does not hide that it gets worse', () => {
    const open = anomalyRecord({ ...at(73), id: 'x/opened', episodeId: 'x' })
    const worse = anomalyRecord({ ...at(73), id: 'x/escalated', episodeId: 'x', state: 'escalated', severity: 'critical' })
    expect(said(decideAll(...noisy, open, worse).alerts).slice(-2)).toEqual([
      'firing suppress flapping',
      'firing notify escalated',
    ])
  })

  test('is told of again after it was quiet', () => {
    const later = anomalyRecord({ ...at(200), id: 'x/opened', episodeId: 'x' })
    expect(said(decideAll(...noisy, later).alerts).at(-1)).toBe('firing notify new')
  })
})
