import { periodAt } from '@lapwing/reports/report-period'
import { describe, expect, test } from 'vitest'
import { dueReports, nextRunMs } from './due-reports.ts'
import { reportsSchema } from './report-settings.ts'

const schedule = { daily: '0 6 * * *', weekly: '0 7 * * 1', monthly: '0 8 1 * *' }
const at = (time: string) => Date.parse(`2026-${time}:00Z`)
const names = (nowMs: number, done: readonly string[] = []) =>
  dueReports({ schedule, time_zone: 'UTC' }, ({ name }) => done.includes(name), nowMs).map(({ name }) => name)

describe('reports that are due', () => {
  test('are those that are over and whose time has come, and not done', () => {
    const days = ['2026-03-25', '2026-03-26', '2026-03-27', '2026-03-28', '2026-03-29', '2026-03-30']
    const weeks = ['2026-W10', '2026-W11', '2026-W12', '2026-W13']
    expect(names(at('04-01T05:59'), [...days, ...weeks, '2026-02'])).toEqual([])
    expect(names(at('04-01T06:00'), [...days, ...weeks, '2026-02'])).toEqual(['2026-03-31'])
    expect(names(at('04-01T08:00'), [...days, ...weeks, '2026-03-31'])).toEqual(['2026-03'])
  })

  test('are made up for after nothing ran, the oldest first', () => {
    expect(names(at('04-07T12:00'))).toEqual([
      '2026-W11',
      '2026-W12',
      '2026-W13',
      '2026-03',
      '2026-03-31',
      '2026-04-01',
      '2026-04-02',
      '2026-04-03',
      '2026-04-04',
      '2026-W14',
      '2026-04-05',
      '2026-04-06',
    ])
  })

  test('come next at the earliest of the times', () => {
    expect(nextRunMs({ schedule, time_zone: 'UTC' }, at('03-29T06:30'))).toBe(at('03-30T06:00'))
    expect(nextRunMs({ schedule: { weekly: schedule.weekly }, time_zone: 'UTC' }, at('03-29T06:30'))).toBe(at('03-30T07:00'))
    expect(nextRunMs({ schedule: {}, time_zone: 'UTC' }, 0)).toBe(Number.POSITIVE_INFINITY)
  })

  test('are those of the days of a zone, at its time, on days on which clocks are changed too', () => {
    const settings = { schedule: { daily: schedule.daily }, time_zone: 'Europe/Berlin' }
    const due = (nowMs: number) => dueReports(settings, ({ name }) => name < '2026-03-28', nowMs).map(({ name }) => name)
    // Clocks go forward on the 29th at 02:00: 06:00 is two hours before that of UTC from then on.
    expect(due(at('03-29T03:59'))).toEqual([])
    expect(due(at('03-29T04:00'))).toEqual(['2026-03-28'])
    expect(due(at('03-30T04:00'))).toEqual(['2026-03-28', '2026-03-29'])
    expect(nextRunMs(settings, at('03-28T05:00'))).toBe(at('03-29T04:00'))
  })

  test('have a name for each period', () => {
    expect(periodAt('weekly', at('04-05T12:00'), 'UTC').name).toBe('2026-W14')
  })
})

test('a time that cron does not know is refused', () => {
  const problem = (daily: string) => reportsSchema.safeParse({ schedule: { daily } }).error?.issues[0]?.message
  expect(problem('0 6 * * *')).toBeUndefined()
  expect(problem('at six')).toMatch(/expected a time as cron has it/)
  expect(problem('61 6 * * *')).toMatch(/expected a time as cron has it/)
})
