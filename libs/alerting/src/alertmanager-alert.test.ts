import type { Alert, Severity } from '@lapwing/contracts/records'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { alertRecord, startedAtMs } from '../testing/alert.ts'
import { alertmanagerAlerts } from './alertmanager-alert.ts'
import type { Delivery, Telling } from './reconcile.ts'

const minuteMs = 60_000
const policy = { resendMs: minuteMs, resendResolvedForMs: 5 * minuteMs, pageUrl: 'http://page' }
const nowMs = startedAtMs + 10 * minuteMs
const at = (ms: number) => new Date(ms).toISOString()

const delivery = (alert: Alert, tellings: Telling[], continuedAt: Severity | null = null): Delivery => ({
  ...{ alert, tellings, continuedAt },
  repeated: false,
  ...{ quietedBy: undefined, messageRef: '' },
  members: [alert],
  records: [],
  attempt: 1,
})
const warned: Telling = { state: 'firing', severity: 'warning', atMs: startedAtMs + minuteMs }
const escalated: Telling = { state: 'firing', severity: 'critical', atMs: startedAtMs + 9 * minuteMs }
const ended: Telling = { state: 'resolved', severity: 'critical', atMs: nowMs }

describe('an alert that fires', () => {
  test('has its identity in labels and the rest in annotations', () => {
    expect(alertmanagerAlerts(delivery(alertRecord(), [warned]), policy, { nowMs, pods: [] })).toEqual([
      {
        labels: { alertname: 'LapwingAnomaly', severity: 'warning', metric: 'node_load1', instance: 'node-1:9100' },
        annotations: {
          summary: 'node_load1 is unusual',
          description: 'Actual 12.5, expected 0.8 (0.2 to 1.9), score 2.4 (level 70 %, novelty 30 %).',
          value: '12.5',
          expected: '0.8',
          score: '2.4',
          episode: 'episode-1',
        },
        startsAt: at(startedAtMs),
        endsAt: at(nowMs + 4 * minuteMs),
        generatorURL: 'http://page/?series=series-1&anomaly=episode-1',
      },
    ])
  })

  test('says what happened to its pods, a line each, and says nothing where nothing did', () => {
    const pods = [
      {
        atMs: startedAtMs - 180_000,
        when: '3 min before',
        text: 'Pod shop/cart-1: container app ended (OOMKilled, exit code 137)',
      },
      { atMs: startedAtMs, when: '0 s before', text: 'Pod shop/cart-1: not ready' },
    ]
    const annotationsWith = (known: typeof pods) =>
      alertmanagerAlerts(delivery(alertRecord(), [warned]), policy, { nowMs, pods: known })[0]!.annotations
    expect(annotationsWith(pods).pods).toBe(
      '3 min before: Pod shop/cart-1: container app ended (OOMKilled, exit code 137)\n0 s before: Pod shop/cart-1: not ready',
    )
    expect(annotationsWith([])).not.toHaveProperty('pods')
  })

  test('ends under its old severity when it escalates', () => {
    const alerts = alertmanagerAlerts(delivery(alertRecord({ severity: 'critical' }), [warned, escalated]), policy, {
      nowMs,
      pods: [],
    })
    expect(alerts.map(({ labels, endsAt }) => [labels.severity, endsAt])).toEqual([
      ['warning', at(escalated.atMs)],
      ['critical', at(nowMs + 4 * minuteMs)],
    ])
  })

  test('is silent about its old severity once that end was told long enough', () => {
    const later = nowMs + 10 * minuteMs
    const alerts = alertmanagerAlerts(delivery(alertRecord({ severity: 'critical' }), [warned, escalated]), policy, {
      nowMs: later,
      pods: [],
    })
    expect(alerts.map(({ labels }) => labels.severity)).toEqual(['critical'])
  })
})

describe('an alert that is over', () => {
  const over = alertRecord({ state: 'resolved', severity: 'critical', endedAtMs: nowMs - minuteMs })

  test('ends when the episode did, under every severity it was told with', () => {
    const alerts = alertmanagerAlerts(delivery(over, [warned, escalated, ended]), policy, { nowMs, pods: [] })
    expect(alerts.map(({ labels, endsAt }) => [labels.severity, endsAt])).toEqual([
      ['warning', at(escalated.atMs)],
      ['critical', at(nowMs - minuteMs)],
    ])
  })

  test('does not end the identity under which a later episode fires', () => {
    const alerts = alertmanagerAlerts(delivery(over, [warned, escalated, ended], 'critical'), policy, { nowMs, pods: [] })
    expect(alerts.map(({ labels }) => labels.severity)).toEqual(['warning'])
  })

  test('never starts after its end, nor ends in the future, whatever the clocks say', () => {
    const skewed = alertRecord({ state: 'resolved', startedAtMs: nowMs + minuteMs, endedAtMs: nowMs + 2 * minuteMs })
    const [alert] = alertmanagerAlerts(delivery(skewed, [warned, ended]), policy, { nowMs, pods: [] })
    expect(alert).toMatchObject({ startsAt: at(nowMs), endsAt: at(nowMs) })
  })
})

describe('labels', () => {
  const labelsOf = (labels: Alert['labels']) =>
    alertmanagerAlerts(delivery(alertRecord({ labels }), [warned]), policy, { nowMs, pods: [] })[0]!.labels
  const ours = ['alertname', 'severity', 'metric']

  test('keep their names where those are legal and free', () => {
    expect(labelsOf([{ name: 'severity', value: 'x' }])).toMatchObject({ severity: 'warning', exported_severity: 'x' })
  })

  test('have legal names, and two of them never become one, whatever they are called', () => {
    const names = fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 8 }), { maxLength: 12 })
    fc.assert(
      fc.property(names, (unique) => {
        const sorted = unique.filter((name) => name !== '__name__').sort()
        const labels = labelsOf(sorted.map((name) => ({ name, value: `value of ${name}` })))
        const others = Object.entries(labels).filter(([name]) => !ours.includes(name))
        for (const name of Object.keys(labels)) expect(name).toMatch(/^[a-zA-Z_][a-zA-Z0-9_]*$/)
        expect(others.map(([, value]) => value).sort()).toEqual(sorted.map((name) => `value of ${name}`).sort())
      }),
      // One that looks as another is made to look, and one that looks as what a name is made from.
      { examples: [[['-.', '_2d_.', 'U___2d__2e_']], [['.', '_2e_', 'U___2e_']]] },
    )
  })

  test('may be called __proto__', () => {
    expect(JSON.stringify(labelsOf([{ name: '__proto__', value: 'x' }]))).toContain('"__proto__":"x"')
  })
})
