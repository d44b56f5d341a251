import { loadConfig } from '@lapwing/service/config'
import { describe, expect, test } from 'vitest'
import { reporterSchema } from './config.ts'

const load = (...sets: string[]) => loadConfig({ reporter: reporterSchema }, { environment: {}, sets }).reporter

describe('section reporter', () => {
  test.each([
    [
      ['reporter.data_dir=/d', 'reporter.postgres_url=postgres://u:p4ss@h/d'],
      /reporter\.data_dir: expected the history in one place: postgres_url is set too/,
    ],
    [['reporter.tokens=[{name: ann, token: short-p4ss}]'], /reporter\.tokens\.0\.token: expected at least 16 characters/],
    [['reporter.tokens=[{name: ann, token: 12345678901234567}]'], /reporter\.tokens\.0\.token: expected text in quotes/],
    [
      ['reporter.tokens=[{name: ann, token: long-enough-p4ss-1, scopes: [admin]}]'],
      /reporter\.tokens\.0\.scopes\.0: .*"read"\|"write"/,
    ],
  ])('%j is refused with key and expectation, and shows no secret', (sets, why) => {
    expect(() => load(...sets)).toThrow(why)
    try {
      load(...sets)
    } catch (error) {
      expect(String(error)).not.toContain('p4ss')
    }
  })

  test('a token may read unless it says more', () => {
    expect(load('reporter.tokens=[{name: ann, token: long-enough-text-1}]').tokens[0]?.scopes).toEqual(['read'])
  })
})
