import type { Verdict } from '@lapwing/contracts/records'
import { describe, expect, test } from 'vitest'
import { type EvaluatedEpisode, evaluate } from './accuracy-evaluator.ts'
import { evaluatePoints } from './evaluate-points.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const episode = (id: string, series: string, openedHour: number, more: Partial<EvaluatedEpisode> = {}): EvaluatedEpisode => ({
  ...{ id, series, model: 'm1', routes: ['default'], openedAtMs: openedHour * hourMs },
  ...more,
})
const episodes = [
  episode('found', 'a', 5),
  episode('again', 'a', 5.5, { routes: ['default', 'night'] }),
  episode('wrong', 'b', 30, { model: 'm2' }),
]
const truth = {
  toleranceMs: 0,
  events: [
    { series: 'a', fromMs: 4 * hourMs, toMs: 6 * hourMs },
    { series: 'c', fromMs: 4 * hourMs, toMs: 6 * hourMs },
    { series: 'a', fromMs: 400 * hourMs, toMs: 500 * hourMs },
  ],
}
const verdicts = new Map<string, Verdict>([
  ['found', 'confirmed'],
  ['again', 'undone'],
  ['wrong', 'false_alarm'],
])
const evaluation = evaluate({ fromMs: 0, toMs: 2 * dayMs, episodes, verdicts, truth })

describe('an evaluation', () => {
  test('judges all by the labels of its time', () => {
    expect(evaluation.all.byLabels).toMatchObject({
      precision: 2 / 3,
      recall: 1 / 2,
      counts: { events: 2, eventsFound: 1, episodes: 3, episodesRight: 2 },
      medianDelayMs: hourMs,
      p95DelayMs: hourMs,
      falseAlarmsPerDay: 0.5,
    })
  })

  test('judges by verdicts apart, an undone one being none', () => {
    expect(evaluation.all.byVerdicts).toEqual({ judged: 2, right: 1, precision: 0.5 })
  })

  test('judges each series, those that had no episode too', () => {
    expect(evaluation.bySeries.map(({ name, byLabels }) => [name, byLabels!.precision, byLabels!.recall])).toEqual([
      ['a', 1, 1],
      ['b', 0, null],
      ['c', null, 0],
    ])
  })

  test('judges each model and each route by its own episodes', () => {
    expect(evaluation.byModel.map(({ name, episodes, byVerdicts }) => [name, episodes, byVerdicts.precision])).toEqual([
      ['m1', 2, 1],
      ['m2', 1, 0],
    ])
    expect(evaluation.byRoute.map(({ name, episodes }) => [name, episodes])).toEqual([
      ['default', 3],
      ['night', 1],
    ])
  })

  test('says nothing of labels where there are none', () => {
    const { all } = evaluate({ fromMs: 0, toMs: dayMs, episodes, verdicts: new Map(), truth: undefined })
    expect(all).toMatchObject({ byLabels: undefined, byVerdicts: { judged: 0, precision: null } })
  })
})

describe('points', () => {
  const points = {
    timestampsMs: Float64Array.of(0, 1, 2, 3, 4, 5),
    scores: Float64Array.of(0, 0, 3, 2, 1.5, 0),
    inEpisode: Uint8Array.of(0, 0, 1, 1, 1, 0),
  }
  test('are judged without any adjustment', () => {
    const { matrix, averagePrecision } = evaluatePoints(points, [{ series: 'a', fromMs: 2, toMs: 3 }])
    expect(matrix).toEqual({ truePositives: 2, falsePositives: 1, falseNegatives: 0, trueNegatives: 3 })
    expect(averagePrecision).toBe(1)
  })
  test('without an event have no curve', () => {
    expect(evaluatePoints(points, [])).toMatchObject({ averagePrecision: null, volumeUnderSurface: null })
  })
})
