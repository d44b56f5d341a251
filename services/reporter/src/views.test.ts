import { sampleFlags } from '@lapwing/contracts/series-state'
import { describe, expect, test } from 'vitest'
import { keyOf, labelled, type ScoredSeries, scoreBatch } from '../testing/score-batch.ts'
import { createProjection, foldScores } from './projection.ts'
import { lagSeconds, liveSeries, pointsAfter, seriesList, seriesSummary } from './views.ts'

function projectionOf(...series: ScoredSeries[]) {
  const projection = createProjection({ pointsPerSeries: 100, maxSeries: 100 })
  foldScores(projection, scoreBatch(series))
  return projection
}

const one = (metric: string, about: Partial<ScoredSeries['samples'][number]> = {}, labels = {}): ScoredSeries => ({
  labels: labelled(metric, labels),
  samples: [{ timestampMs: 1000, value: 5, ...about }],
})
const textsOf = (list: ReturnType<typeof seriesList>) => list.series.map((row) => row.text)

describe('list of series', () => {
  const projection = projectionOf(
    one('calm'),
    one('nervous', { score: 0.9 }),
    one('broken', { score: 0.2, state: 'anomalous' }),
    one('young', { state: 'warming', stateDetail: 0.62, confidence: 0 }, { pod: 'Web-1' }),
  )

  test('anomalous ones first, then by score, then by name', () => {
    expect(textsOf(seriesList(projection, { search: '', sort: 'score', limit: 10 }))).toEqual([
      'broken',
      'nervous',
      'calm',
      'young{pod="Web-1"}',
    ])
    expect(textsOf(seriesList(projection, { search: '', sort: 'name', limit: 2 }))).toEqual(['broken', 'calm'])
  })

  test('every word of the search must occur, in any case', () => {
    const search = (text: string) => textsOf(seriesList(projection, { search: text, sort: 'score', limit: 10 }))
    expect(search('WEB you')).toEqual(['young{pod="Web-1"}'])
    expect(search('web calm')).toEqual([])
  })

  test('says how many there are beside those shown', () => {
    expect(seriesList(projection, { search: '', state: 'ok', sort: 'score', limit: 1 })).toMatchObject({
      total: 4,
      matching: 2,
      series: [{}],
    })
  })

  test('a state reads as a person would say it', () => {
    const young = projection.series.get(keyOf(labelled('young', { pod: 'Web-1' })))!
    expect(seriesSummary(young, projection)).toMatchObject({ state: 'warming', stateText: 'warming 62 %', metric: 'young' })
  })

  test.each([Number.NaN, 1e30, Number.NEGATIVE_INFINITY])('a state since %d has a text too', (stateDetail) => {
    const odd = projectionOf(one('odd', { state: 'silent', stateDetail }))
    expect(seriesList(odd, { search: '', sort: 'name', limit: 1 }).series[0]?.stateText).toMatch(/^silent since/)
  })

  test('live changes leave out what is gone', () => {
    expect(liveSeries(projection, ['gone', keyOf(labelled('calm'))], 10).map((series) => series.text)).toEqual(['calm'])
  })
})

describe('points', () => {
  test('a stale marker and what is not finite have no value; filled-in values say so', () => {
    const samples = [
      { timestampMs: 1, value: 1, flags: sampleFlags.imputed, lower: Number.NaN },
      { timestampMs: 2, value: 77, flags: sampleFlags.stale },
    ]
    const projection = projectionOf({ labels: labelled('x'), samples })
    const points = pointsAfter(projection.series.get(keyOf(labelled('x')))!, Number.NEGATIVE_INFINITY)
    expect(points).toMatchObject({ values: [1, null], imputed: [1, 0], lower: [null, 76] })
  })
})

test('the lag of a sample from the future is nothing', () => {
  expect([lagSeconds(null, 5), lagSeconds(1000, 3000), lagSeconds(9000, 3000)]).toEqual([null, 2, 0])
})
