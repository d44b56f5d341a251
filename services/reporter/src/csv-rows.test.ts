import { describe, expect, test } from 'vitest'
import { anomaly } from '../testing/records.ts'
import { labelled } from '../testing/score-batch.ts'
import { csvHeader, csvRow } from './csv-rows.ts'

const opened = anomaly({ id: '1', episodeId: 'e-1', observedAtMs: Date.UTC(2026, 0, 31, 12), value: -9.5 })
const rowOf = (labels: typeof opened.labels) => csvRow({ ...opened, labels })

describe('CSV rows', () => {
  test('an opening', () => {
    expect(csvRow(opened)).toBe('2026-01-31T12:00:00.000Z,"requests{service=""checkout""}",-9.5,1.5,2,1,3,1,open,warning,"e-1"\n')
    expect(csvHeader.split(',')).toHaveLength(11)
  })

  test('only the opening says opened', () => {
    expect(csvRow({ ...opened, state: 'escalated' })).toContain(',0,escalated,')
    expect(csvRow({ ...opened, state: 'resolved' })).toContain(',0,resolved,')
  })

  test('a time that is none is an empty cell', () => {
    expect(csvRow({ ...opened, observedAtMs: 1e300 })).toMatch(/^,"requests/)
  })

  test('no number is an empty cell', () => {
    expect(csvRow({ ...opened, value: Number.NaN, upper: Number.POSITIVE_INFINITY })).toContain('",,1.5,2,1,,1,')
  })

  test.each(['=cmd()', '+1', '-1', '@x', '\tx'])('a metric called %j is no formula', (metric) => {
    expect(rowOf(labelled(metric))).toContain(`,"'${metric}",`)
  })

  test('quotes and line breaks stay inside their cell', () => {
    expect(rowOf(labelled('x', { a: 'say "hi"\n=1' }))).toContain(String.raw`"x{a=""say \""hi\""\n=1""}"`)
  })
})
