import { describe, expect, test } from 'vitest'
import { createCalendar, cronProblem } from './schedule.ts'

const hourMs = 3_600_000
const [a, b] = [`entity:${'ab'.repeat(16)}`, `entity:${'cd'.repeat(16)}`]
const at = (text: string) => Date.parse(text)
const calendar = (options = {}) =>
  createCalendar({ schedule: '30 2 * * *', timeZone: 'Europe/Berlin', jitterMs: 0, quietHours: undefined, ...options })
const runs = (schedule: ReturnType<typeof calendar>, from: string, count: number, scope = a) => {
  const found: string[] = []
  for (let ms = at(from); found.length < count; ) {
    ms = schedule.schedule!.nextRunMs(scope, ms)!
    found.push(new Date(ms).toISOString())
  }
  return found
}

describe('the calendar of retraining', () => {
  test('follows the clocks of its time zone when they change', () => {
    expect(runs(calendar(), '2026-10-23T12:00:00Z', 4)).toEqual([
      '2026-10-24T00:30:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
      '2026-10-27T01:30:00.000Z',
    ])
    // 02:30 does not exist on the day on which clocks go forward; the run is not lost.
    expect(runs(calendar(), '2026-03-28T12:00:00Z', 2)).toEqual(['2026-03-29T01:30:00.000Z', '2026-03-30T00:30:00.000Z'])
  })

  test('entities keep their distance, within the jitter, from day to day', () => {
    const spread = calendar({ jitterMs: hourMs, timeZone: 'UTC' })
    const delays = (scope: string) =>
      runs(spread, '2026-05-01T00:00:00Z', 3, scope).map((text) => (at(text) - at('2026-05-01T02:30:00Z')) % (24 * hourMs))
    for (const scope of [a, b]) {
      const [delay, ...later] = delays(scope)
      expect(later).toEqual([delay, delay])
      expect(delay).toBeGreaterThanOrEqual(0)
      expect(delay).toBeLessThan(hourMs)
    }
    expect(delays(a)[0]).not.toBe(delays(b)[0])
    expect(runs(spread, new Date(at('2026-05-01T02:30:00Z') + delays(a)[0]! - 1).toISOString(), 1)).toEqual(
      runs(spread, '2026-05-01T00:00:00Z', 1),
    )
  })

  test.each([
    ['08:00-18:00', '2026-07-01T05:59:59Z', '2026-07-01T05:59:59Z'],
    ['08:00-18:00', '2026-07-01T06:00:00Z', '2026-07-01T16:00:00Z'],
    ['08:00-18:00', '2026-07-01T16:00:00Z', '2026-07-01T16:00:00Z'],
    ['22:00-06:00', '2026-07-01T21:00:00Z', '2026-07-02T04:00:00Z'],
    ['22:00-06:00', '2026-07-02T03:00:00Z', '2026-07-02T04:00:00Z'],
    ['22:00-06:00', '2026-10-24T22:00:00Z', '2026-10-25T05:00:00Z'],
  ])('quiet hours %s: %s becomes %s', (quietHours, from, to) => {
    expect(calendar({ quietHours }).afterQuietHours(at(from))).toBe(at(to))
  })

  test('a run in quiet hours comes at their end', () => {
    expect(
      runs(calendar({ quietHours: '02:00-06:00', timeZone: 'UTC', schedule: '0 * * * *' }), '2026-07-01T00:30:00Z', 3),
    ).toEqual(['2026-07-01T01:00:00.000Z', '2026-07-01T06:00:00.000Z', '2026-07-01T07:00:00.000Z'])
  })

  test('without a schedule nothing is planned', () => {
    expect(calendar({ schedule: undefined }).schedule).toBeUndefined()
  })

  test('says what is wrong with an expression, and refuses one that never comes', () => {
    expect(cronProblem('0 3 * * 1-5', at('2026-07-01T00:00:00Z'))).toBeUndefined()
    expect(cronProblem('99 3 * * *', 0)).toMatch(/99/)
    expect(cronProblem('0 0 31 2 *', 0)).toBe('0 0 31 2 * never comes')
  })
})
