import { describe, expect, test } from 'vitest'
import { localWeek } from './local-time.ts'

const at = (text: string) => Date.parse(text)

describe('local week', () => {
  test('Monday 00:00 is 0, Sunday 23:45 is 671', () => {
    const quarterAt = localWeek('UTC')
    expect(quarterAt(at('2024-01-01T00:00:00Z'))).toBe(0)
    expect(quarterAt(at('2024-01-07T23:45:00Z'))).toBe(671)
    expect(quarterAt(at('2024-01-03T12:07:30Z'))).toBe(2 * 96 + 48.5)
    expect(quarterAt(at('1969-12-31T23:45:00Z'))).toBe(2 * 96 + 95)
  })

  test('a zone has its own hours, before and after daylight saving begins', () => {
    const quarterAt = localWeek('Europe/Berlin')
    expect(quarterAt(at('2024-01-01T08:00:00Z'))).toBe(36)
    expect(quarterAt(at('2024-07-01T08:00:00Z'))).toBe(40)
    // Sunday, 31 March 2024, 01:00 UTC: 02:00 becomes 03:00.
    expect(quarterAt(at('2024-03-31T00:59:00Z'))).toBeCloseTo(6 * 96 + 4 + 59 / 15, 6)
    expect(quarterAt(at('2024-03-31T01:00:00Z'))).toBe(6 * 96 + 12)
  })

  test('an unknown zone is refused', () => {
    expect(() => localWeek('Mars/Olympus')).toThrow(RangeError)
  })
})
