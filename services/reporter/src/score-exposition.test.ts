import { sortedLabels } from '@lapwing/contracts/series'
import { describe, expect, test } from 'vitest'
import { labelled, type ScoredSeries, scoreBatch } from '../testing/score-batch.ts'
import { createProjection, foldScores } from './projection.ts'
import { scoreExposition } from './score-exposition.ts'

function projectionOf(...series: ScoredSeries[]) {
  const projection = createProjection({ pointsPerSeries: 10, maxSeries: 100 })
  foldScores(projection, scoreBatch(series, { source: 'load' }))
  return projection
}
const sample = { timestampMs: 1_000_000, value: 4, expected: 2.5, lower: 1, upper: 3, score: 1.75 }
const samplesOf = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))

describe('scores as metrics', () => {
  test('are the newest score and band of each series, with its labels and what made them', () => {
    const { text } = scoreExposition(projectionOf({ labels: labelled('node_load1', { job: 'node' }), samples: [sample] }), 10)
    const labels = 'metric="node_load1",query="load",model="half-space-trees:test",job="node"'
    expect(samplesOf(text)).toEqual([
      `lapwing_anomaly_score{${labels}} 1.75`,
      `lapwing_expected_value{${labels}} 2.5`,
      `lapwing_expected_lower{${labels}} 1`,
      `lapwing_expected_upper{${labels}} 3`,
    ])
  })

  test('what would break a line or a name is escaped, and our own names are kept apart', () => {
    const labels = sortedLabels([
      ['__name__', 'a'],
      ['model', 'T"\n\\'],
      ['ünder score', 'x'],
    ])
    const [line] = samplesOf(scoreExposition(projectionOf({ labels, samples: [sample] }), 10).text)
    expect(line).toContain('exported_model="T\\"\\n\\\\"')
    expect(line).toContain('_nder_score="x"')
  })

  test('series beyond the limit, or whose labels are one in the format, are left out and counted; replicas show the same ones', () => {
    const many = Array.from({ length: 5 }, (_, i) => ({ labels: labelled(`m${i}`), samples: [sample] }))
    const ambiguous = { labels: sortedLabels([['a.b', '1'], ['a_b', '2']] as const), samples: [sample] } // biome-ignore format: one line
    const one = scoreExposition(projectionOf(...many), 3)
    const other = scoreExposition(projectionOf(...many.toReversed()), 3)
    expect(one.leftOut).toEqual({ limit: 2, labels: 0 })
    expect(samplesOf(one.text)).toHaveLength(12)
    expect(other.text).toBe(one.text)
    expect(scoreExposition(projectionOf(ambiguous), 3).leftOut).toEqual({ limit: 0, labels: 1 })
    expect(samplesOf(scoreExposition(projectionOf(...many), 0).text)).toEqual([])
  })

  test('a series that has ended, or has no band yet, is not shown as if it had one', () => {
    const ended = { labels: labelled('old'), samples: [{ ...sample, timestampMs: 1 }] }
    const warming = {
      labels: labelled('new'),
      samples: [{ ...sample, expected: Number.NaN, lower: Number.NaN, upper: Number.NaN }],
    }
    const lines = samplesOf(scoreExposition(projectionOf(ended, warming), 10).text)
    expect(lines).toEqual(['lapwing_anomaly_score{metric="new",query="load",model="half-space-trees:test"} 1.75'])
  })
})
