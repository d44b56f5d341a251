import type { Alert } from '@lapwing/contracts/records'
import { describe, expect, test } from 'vitest'
import { alertRecord, startedAtMs } from '../testing/alert.ts'
import { type IncidentPolicy, incidentAlert, incidentKey, isSameIncident } from './incident.ts'
import { likelyCauses } from './likely-causes.ts'
import { accept } from './tracked-alert.ts'

const minuteMs = 60_000
const policy: IncidentPolicy = { groupBy: ['instance'], reopenMs: 10 * minuteMs, broadSeries: 3, together: { withinMs: 0 } }
const member = (id: string, differences: Partial<Alert> = {}) =>
  accept(alertRecord({ id, recordId: `${id}/1`, seriesKey: id, ...differences }), { offset: 0, writtenAtMs: 0 }, undefined)
const over = { state: 'resolved', endedAtMs: startedAtMs + minuteMs } as const
const onNode = (instance: string) => ({ labels: [{ name: 'instance', value: instance }] })

describe('the key of an incident', () => {
  test('is what its topology labels say, and nothing else', () => {
    const key = (differences: Partial<Alert>, groupBy = ['instance']) => incidentKey(alertRecord(differences), groupBy)
    expect(key({ ...onNode('a'), metric: 'x' })).toBe(key({ ...onNode('a'), metric: 'y' }))
    expect(key(onNode('a'))).not.toBe(key(onNode('b')))
    expect(key({ labels: [], entityKey: 'e1' })).not.toBe(key({ labels: [], entityKey: 'e2' }))
    expect(key(onNode('a'), [])).toBe(key(onNode('b'), []))
    expect(key({ seriesKey: 's1' }, ['...'])).not.toBe(key({ seriesKey: 's2' }, ['...']))
  })
})

describe('an alert', () => {
  test('belongs to an incident that fires, or ended a moment before', () => {
    expect(isSameIncident([member('a', over), member('b')], startedAtMs + 60 * minuteMs, policy)).toBe(true)
    expect(isSameIncident([member('a', over)], startedAtMs + 11 * minuteMs, policy)).toBe(true)
    expect(isSameIncident([member('a', over)], startedAtMs + 11 * minuteMs + 1, policy)).toBe(false)
  })
})

describe('an incident', () => {
  test('fires while one of its alerts does, at the highest severity among those that do', () => {
    const mixed = incidentAlert('a', [member('a', { ...over, severity: 'critical' }), member('b')], policy)
    expect(mixed.alert).toMatchObject({ id: 'a', state: 'firing', severity: 'warning', endedAtMs: null })
    const ended = incidentAlert('a', [member('a', over), member('b', { ...over, endedAtMs: startedAtMs + 5 * minuteMs })], policy)
    expect(ended.alert).toMatchObject({ state: 'resolved', startedAtMs, endedAtMs: startedAtMs + 5 * minuteMs })
    expect(ended.records.map(({ alertId }) => alertId)).toEqual(['a', 'b'])
  })

  test('is critical when it is broad, unless all of it is only worth recording', () => {
    const severityOf = (severity: Alert['severity'], count: number) =>
      incidentAlert(
        'a',
        ['a', 'b', 'c'].slice(0, count).map((id) => member(id, { severity })),
        policy,
      ).alert.severity
    expect([severityOf('warning', 2), severityOf('warning', 3), severityOf('info', 3)]).toEqual(['warning', 'critical', 'info'])
  })

  test('bears the values of its likeliest cause', () => {
    const cause = member('cause', { startedAtMs: startedAtMs - minuteMs, score: 9, value: 99 })
    expect(incidentAlert('a', [member('a'), cause], policy).alert).toMatchObject({ value: 99, score: 9 })
  })
})

describe('likely causes', () => {
  const alert = (id: string, differences: Partial<Alert>) => alertRecord({ id, labels: [], ...differences })
  const because = (alerts: Alert[]) => Object.fromEntries(likelyCauses(alerts, 9).map((cause) => [cause.alert.id, cause.because]))

  test('say what speaks for each', () => {
    const shared = [{ name: 'rack', value: 'r1' }]
    expect(
      because([
        alert('early', { startedAtMs: 1, score: 2 }),
        alert('strong', { startedAtMs: 9, score: 40 }),
        alert('hub', { startedAtMs: 9, score: 2, labels: [...shared, { name: 'zone', value: 'z' }] }),
        alert('leaf', { startedAtMs: 9, score: 2, labels: shared }),
        alert('other', { startedAtMs: 9, score: 2, labels: [{ name: 'zone', value: 'z' }] }),
      ]),
    ).toMatchObject({ early: ['earliest'], strong: ['strongest'], hub: ['most connected'], leaf: [] })
  })

  test('are ranked the same whatever order they come in, and a lone alert needs no reason', () => {
    const alerts = ['a', 'b', 'c', 'd'].map((id, i) => alert(id, { startedAtMs: i % 2, score: 1 + i }))
    const order = (list: Alert[]) => likelyCauses(list, 3).map((cause) => cause.alert.id)
    expect(order(alerts)).toEqual(order([...alerts].reverse()))
    expect(likelyCauses([alerts[0]!], 3)).toMatchObject([{ likelihood: 0, because: [] }])
  })
})
