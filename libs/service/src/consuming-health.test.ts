import { expect, test } from 'vitest'
import { watchConsuming } from './consuming-health.ts'
import { createHealth } from './health.ts'

test('who hears nothing for longer than a session is not ready, until something is heard again', () => {
  const health = createHealth()
  let nowMs = 5000
  let heardMs: number | undefined
  const heard = { lastActivityMs: () => heardMs }
  watchConsuming(health, 'samples', heard, () => nowMs)
  expect(health.failing()).toEqual(['samples: not consumed yet'])
  heardMs = nowMs
  nowMs += 30_000
  expect(health.failing()).toEqual([])
  nowMs += 1500
  expect(health.failing()).toEqual(['samples: nothing was heard from the log for 31 s'])
  heardMs = nowMs
  expect(health.failing()).toEqual([])
})
