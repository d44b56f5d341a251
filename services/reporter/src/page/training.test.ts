import { describe, expect, test } from 'vitest'
import { progressText, whenText } from './training.ts'

const nowMs = new Date(2026, 4, 4, 14, 2, 30).getTime()

describe('the training in hand', () => {
  test('how far it is, and how long it takes from here', () => {
    expect(progressText({ share: 0.429, leftMs: 180_000, atMs: nowMs - 900 }, nowMs)).toBe('42 %, 3 min left')
    expect(progressText({ share: 0.01, leftMs: null, atMs: nowMs }, nowMs)).toBe('1 %')
  })

  test('a figure that has become old says of when it is, and promises nothing', () => {
    expect(progressText({ share: 0.42, leftMs: 180_000, atMs: nowMs - 90_000 }, nowMs)).toBe('42 % at 14:01:00')
  })
})

describe('the next training', () => {
  const run = { scope: 'entity:aa', entity: 'db-1', reason: 'the schedule, 0 3 * * *' }

  test('in how long it is, or what it waits for', () => {
    expect(whenText({ ...run, by: 'schedule', atMs: nowMs + 3 * 3_600_000 }, nowMs)).toBe('in 3 h')
    expect(whenText({ ...run, by: 'schedule', atMs: nowMs }, nowMs)).toBe('due')
    expect(whenText({ ...run, by: 'request', atMs: nowMs - 1 }, nowMs)).toBe('as soon as a trainer is free')
  })
})
