import { expect, test } from 'vitest'
import { AnsweredSilence } from './answered-silence.ts'

test('counts from the first answer on, for as long as the log answers', () => {
  const silence = new AnsweredSilence()
  expect(silence.lastsMs(true, 10_000)).toBe(0)
  expect(silence.lastsMs(true, 70_000)).toBe(60_000)
})

test('an outage is no silence, and what came before it does not count after it', () => {
  const silence = new AnsweredSilence()
  silence.lastsMs(true, 10_000)
  expect(silence.lastsMs(false, 70_000)).toBe(0)
  expect(silence.lastsMs(true, 80_000)).toBe(0)
  expect(silence.lastsMs(true, 90_000)).toBe(10_000)
})

test('what is heard ends it', () => {
  const silence = new AnsweredSilence()
  silence.lastsMs(true, 10_000)
  silence.heard()
  expect(silence.lastsMs(true, 100_000)).toBe(0)
})
