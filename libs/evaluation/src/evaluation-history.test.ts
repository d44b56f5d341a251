import { describe, expect, test } from 'vitest'
import { evaluate } from './accuracy-evaluator.ts'
import { faultRecall, historyText, keptEvaluation, parseHistory, withEvaluation } from './evaluation-history.ts'

const episode = { id: 'e', series: 'up', model: 'm', routes: [], openedAtMs: 1500 }
const truth = { events: [{ series: 'up', fromMs: 1000, toMs: 2000 }], toleranceMs: 0 }
const evaluation = evaluate({ fromMs: 0, toMs: 86_400_000, episodes: [episode], verdicts: new Map([['e', 'confirmed']]), truth })
const two = { ...truth, events: [...truth.events, { series: 'down', fromMs: 1000, toMs: 2000 }] }
const canary = evaluate({ fromMs: 0, toMs: 86_400_000, episodes: [episode], verdicts: new Map(), truth: two })
const kept = keptEvaluation('daily 1970-01-01', evaluation, canary)

describe('evaluations that are kept', () => {
  test('have the numbers by labels, by verdicts and by the canary', () => {
    expect(kept).toMatchObject({ precision: 1, recall: 1, medianDelayMs: 500, judged: 1, verdictPrecision: 1 })
    expect(kept).toMatchObject({ faults: 2, faultsFound: 1, faultDelayMs: 500 })
    expect(faultRecall(kept)).toBe(0.5)
    expect(faultRecall(keptEvaluation('x', evaluation, undefined))).toBeNull()
  })

  test('are the oldest first, and one of each name', () => {
    const later = { ...kept, name: 'daily 1970-01-02', toMs: 2 * kept.toMs }
    const again = { ...kept, episodes: 7 }
    const history = [later, kept, again].reduce((all, one) => withEvaluation(all, one), [] as (typeof kept)[])
    expect(history).toEqual([again, later])
    expect(parseHistory(historyText(history), 'h')).toEqual(history)
  })

  test('are refused by file and line', () => {
    const text = `${historyText([kept])}\n{"name":"x"}\n`
    expect(() => parseHistory(text, 'h.jsonl')).toThrow(/^h.jsonl:3: expected an evaluation that was kept; fromMs: /)
    expect(() => parseHistory('{', 'h.jsonl')).toThrow(/^h.jsonl:1: expected .*; the line: /)
  })
})
