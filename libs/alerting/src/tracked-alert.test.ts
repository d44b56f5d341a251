import { describe, expect, test } from 'vitest'
import { alertRecord, startedAtMs } from '../testing/alert.ts'
import { accept, endedBy, isLater, pruned, type TrackedAlert } from './tracked-alert.ts'

const place = { offset: 7, writtenAtMs: 1000 }
const firing = accept(alertRecord(), place, undefined)

describe('the truth about an alert', () => {
  test('is that of its first record to begin with', () => {
    expect(firing.alert).toEqual(alertRecord())
    expect(firing.records).toMatchObject([{ id: 'record-1', state: 'firing', severity: 'warning', place }])
  })

  test('does not change when the same record comes again', () => {
    expect(accept(alertRecord(), { offset: 9, writtenAtMs: 2000 }, firing)).toBe(firing)
  })

  test('keeps the highest severity, with the values of the newest record', () => {
    const newer = alertRecord({ recordId: 'r2', severity: 'info', observedAtMs: startedAtMs + 120_000, value: 99 })
    expect(accept(newer, place, firing).alert).toMatchObject({ severity: 'warning', value: 99 })
    const older = alertRecord({ recordId: 'r3', severity: 'critical', observedAtMs: startedAtMs, value: 1 })
    expect(accept(older, place, firing).alert).toMatchObject({ severity: 'critical', value: 12.5 })
  })

  test('is over for good once a record says so', () => {
    const over = accept(alertRecord({ recordId: 'r2', state: 'resolved', endedAtMs: startedAtMs + 9 }), place, firing)
    expect(accept(alertRecord({ recordId: 'r3' }), place, over).alert).toMatchObject({
      state: 'resolved',
      endedAtMs: startedAtMs + 9,
    })
  })
})

describe('a later alert of the series', () => {
  const later = alertRecord({ id: 'episode-2', recordId: 'r9', startedAtMs: startedAtMs + 500_000 })

  test('is the one that started later, then the one with the higher id', () => {
    expect(isLater(later, firing.alert)).toBe(true)
    expect(isLater({ ...firing.alert, id: 'episode-9' }, firing.alert)).toBe(true)
  })

  test('ends the earlier one where it begins, with a record of that', () => {
    const ended = endedBy(later, place, firing)
    expect(ended.alert).toMatchObject({ state: 'resolved', endedAtMs: later.startedAtMs })
    expect(ended.records.at(-1)).toMatchObject({ id: 'episode-1/superseded', state: 'resolved', decision: 'notify' })
    expect(endedBy(later, place, ended)).toBe(ended)
  })
})

test('records are forgotten beyond a hundred, but never one without an outcome', () => {
  const many = Array.from({ length: 150 }, (_, i) => alertRecord({ recordId: `r${i}` })).reduce<TrackedAlert>(
    (tracked, alert) => accept(alert, place, tracked),
    firing,
  )
  expect(pruned(firing, () => true)).toBe(firing)
  expect(pruned(many, () => true).records).toHaveLength(100)
  expect(pruned(many, (id) => id !== 'record-1').records.at(0)?.id).toBe('record-1')
})
