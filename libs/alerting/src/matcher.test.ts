import { describe, expect, test } from 'vitest'
import { matchersText, parseMatcher } from './matcher.ts'

const matches = (text: string, labels: Record<string, string>) => parseMatcher(text).matches(labels)

describe('a matcher', () => {
  test.each([
    ['team="db"', { team: 'db' }, true],
    ['team=db', { team: 'db' }, true],
    ['team!="db"', { team: 'db' }, false],
    ['instance=~"db-.*"', { instance: 'db-1' }, true],
    ['instance=~"db"', { instance: 'db-1' }, false],
    ['severity!~"info|warning"', { severity: 'critical' }, true],
    ['team=""', {}, true],
    ['team!="db"', {}, true],
    ['quoted="a\\"b"', { quoted: 'a"b' }, true],
    ['constructor=""', {}, true],
    ['port=~"\\d+"', { port: '9100' }, true],
  ])('%s on %j: %j', (text, labels, expected) => {
    expect(matches(text, labels)).toBe(expected)
  })

  test('is written as it is read', () => {
    expect(matchersText([parseMatcher('a=b'), parseMatcher(' c =~ "d|e" ')])).toBe('a="b", c=~"d|e"')
  })

  test.each([
    ['no operator', 'team db', /expected a matcher/],
    ['half a quote', 'team="db', /double quotes/],
    ['a back-reference', 'a=~"(x)\\\\1"', /without backtracking/],
    ['look-ahead', 'a=~"x(?=y)"', /without backtracking/],
    ['too long an expression', `a=~"${'x'.repeat(1001)}"`, /at most 1000/],
    ['an expression that expands without end', 'a=~"((x{1,1000}){1,1000}){1,1000}"', /without backtracking/],
  ])('with %s is refused', (_, text, message) => {
    expect(() => parseMatcher(text)).toThrow(message)
  })

  test('that would backtrack for ever elsewhere answers at once', () => {
    const evil = parseMatcher('a=~"(x+x+)+y"')
    const start = performance.now()
    expect(evil.matches({ a: 'x'.repeat(5000) })).toBe(false)
    expect(performance.now() - start).toBeLessThan(20_000)
  })
})
