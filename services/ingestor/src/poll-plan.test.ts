import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dueAtMs, firstProgress, newsAgeMs, nextWindow, type PollPolicy, type PollWindow, type Progress } from './poll-plan.ts'

const policy: PollPolicy = { stepMs: 15_000, pollIntervalMs: 15_000, latenessMs: 10_000, historyMs: 3_600_000 }
const manyPoints = 11_000
const nowMs = 1_800_000_000_000

const stepsOf = ({ range: { startMs, endMs, stepMs } }: PollWindow) =>
  Array.from({ length: (endMs - startMs) / stepMs + 1 }, (_, k) => startMs + k * stepMs)
const advance = (progress: Progress, { range }: PollWindow): Progress => ({ ...progress, throughMs: range.endMs })

/** All windows that are due at one time, each taken to have succeeded. */
function drain(progress: Progress, atMs: number, points: number, of: PollPolicy): { windows: PollWindow[]; progress: Progress } {
  const windows: PollWindow[] = []
  let at = progress
  for (let window = nextWindow(at, atMs, points, of); window; window = nextWindow(at, atMs, points, of)) {
    windows.push(window)
    at = advance(at, window)
  }
  return { windows, progress: at }
}

describe('the plan of a poll', () => {
  test('a new query begins with its warm-up window, as history, up to what is complete', () => {
    expect(drain(firstProgress(nowMs, policy), nowMs, manyPoints, policy).windows).toEqual([
      { range: { startMs: nowMs - 3_615_000, endMs: nowMs - 15_000, stepMs: 15_000 }, kind: 'history' },
    ])
  })

  test('the warm-up stays history although it takes several requests and meanwhile time goes on', () => {
    let progress = firstProgress(nowMs, policy)
    const kinds: string[] = []
    for (let atMs = nowMs; kinds.at(-1) !== 'live'; atMs += 15_000) {
      const window = nextWindow(progress, atMs, 100, policy)!
      kinds.push(window.kind)
      progress = advance(progress, window)
    }
    expect(kinds).toEqual(['history', 'history', 'history', 'live'])
  })

  test('then each step comes alone, once it is as old as the lateness', () => {
    const progress = { throughMs: nowMs - 15_000, historyUntilMs: nowMs - 15_000 }
    expect(nextWindow(progress, nowMs + 9_999, manyPoints, policy)).toBeUndefined()
    expect(nextWindow(progress, nowMs + 10_000, manyPoints, policy)).toEqual({
      range: { startMs: nowMs, endMs: nowMs, stepMs: 15_000 },
      kind: 'live',
    })
  })

  test('a poll interval longer than the step brings several steps at a time', () => {
    const progress = { throughMs: nowMs, historyUntilMs: 0 }
    const slow = { ...policy, pollIntervalMs: 60_000 }
    expect(nextWindow(progress, nowMs + 69_999, manyPoints, slow)).toBeUndefined()
    expect(stepsOf(nextWindow(progress, nowMs + 70_000, manyPoints, slow)!)).toHaveLength(4)
  })

  test('what was missed within the last hour is news, what is older is history', () => {
    const { windows } = drain({ throughMs: nowMs - 2 * newsAgeMs, historyUntilMs: 0 }, nowMs, manyPoints, policy)
    expect(windows.map((window) => window.kind)).toEqual(['history', 'live'])
    const firstNews = windows[1]!.range.startMs
    expect(nowMs - firstNews).toBeGreaterThanOrEqual(newsAgeMs)
    expect(nowMs - firstNews).toBeLessThan(newsAgeMs + 60_000)
  })

  test('after a change of the step it goes on with the first new step behind the old progress', () => {
    const window = nextWindow({ throughMs: nowMs + 15_000, historyUntilMs: 0 }, nowMs + 600_000, manyPoints, {
      ...policy,
      stepMs: 60_000,
    })!
    expect(window.range.startMs).toBe(nowMs + 60_000)
  })

  test('whatever fails and however time passes, every step is fetched exactly once, in order', () => {
    const policies = fc.record({
      stepMs: fc.integer({ min: 1000, max: 120_000 }),
      pollIntervalMs: fc.integer({ min: 1000, max: 120_000 }),
      latenessMs: fc.integer({ min: 0, max: 60_000 }),
      historyMs: fc.integer({ min: 0, max: 3_600_000 }),
    })
    const attempts = fc.array(fc.record({ waitMs: fc.integer({ min: 0, max: 600_000 }), fails: fc.boolean() }), {
      minLength: 1,
      maxLength: 40,
    })
    fc.assert(
      fc.property(policies, attempts, fc.integer({ min: 1, max: 50 }), (of, attempts, points) => {
        let atMs = nowMs
        let progress = firstProgress(atMs, of)
        const firstStep = progress.throughMs + of.stepMs
        const fetched: number[] = []
        for (const { waitMs, fails } of attempts) {
          atMs += waitMs
          if (fails) continue
          const done = drain(progress, atMs, points, of)
          fetched.push(...done.windows.flatMap(stepsOf))
          progress = done.progress
          expect(atMs).toBeLessThan(dueAtMs(progress, of))
          expect(progress.throughMs).toBeLessThanOrEqual(atMs - of.latenessMs)
        }
        expect(fetched).toEqual(fetched.map((_, k) => firstStep + k * of.stepMs))
      }),
    )
  })
})
