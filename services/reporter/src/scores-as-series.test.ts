import { sortedLabels } from '@lapwing/contracts/series'
import { sampleFlags } from '@lapwing/contracts/series-state'
import { describe, expect, test } from 'vitest'
import { labelled, type ScoredSample, scoreBatch } from '../testing/score-batch.ts'
import { scoresAsSeries } from './scores-as-series.ts'

const sample = (timestampMs: number, more: Partial<ScoredSample> = {}): ScoredSample => ({
  ...{ timestampMs, value: 4, expected: 2.5, lower: 1, upper: 3, score: 1.75 },
  ...more,
})
const nothing = { expected: Number.NaN, lower: Number.NaN, upper: Number.NaN }

describe('scores to be written back', () => {
  test('are score, expected value and band of every sample, with the labels of the series and what scored it', () => {
    const batch = scoreBatch([{ labels: labelled('load', { job: 'node' }), samples: [sample(1000), sample(2000)] }], {
      source: 'q',
    })
    const labels = { job: 'node', metric: 'load', model: 'half-space-trees:test', query: 'q' }
    const expected = (name: string, value: number) => ({
      labels: sortedLabels(Object.entries({ __name__: name, ...labels })),
      timestampsMs: [1000, 2000],
      values: [value, value],
      flags: [0, 0],
    })
    expect(scoresAsSeries(batch)).toEqual([
      expected('lapwing_anomaly_score', 1.75),
      expected('lapwing_expected_value', 2.5),
      expected('lapwing_expected_lower', 1),
      expected('lapwing_expected_upper', 3),
    ])
  })

  test('leave out what was not scored and values that are none, each series with its own samples', () => {
    const batch = scoreBatch([
      { labels: labelled('warming'), samples: [sample(1000, { ...nothing, score: 0 })] },
      { labels: labelled('learning'), samples: [sample(1000, { score: 0, confidence: 0 })] },
      { labels: labelled('ended'), samples: [sample(1000), sample(2000, { flags: sampleFlags.stale })] },
      { labels: labelled('beyond'), samples: [sample(1000, { state: 'dropped' })] },
      { labels: labelled('last'), samples: [sample(3000, { score: 7 })] },
    ])
    const scores = scoresAsSeries(batch).map(({ labels, timestampsMs, values }) => [
      labels.find(({ name }) => name === 'metric')!.value,
      ...[labels[0]!.value, timestampsMs, values],
    ])
    expect(scores.filter(([, name]) => name === 'lapwing_anomaly_score')).toEqual([
      ['warming', 'lapwing_anomaly_score', [1000], [0]],
      ['learning', 'lapwing_anomaly_score', [1000], [0]],
      ['ended', 'lapwing_anomaly_score', [1000], [1.75]],
      ['last', 'lapwing_anomaly_score', [3000], [7]],
    ])
    for (const learning of ['warming', 'learning']) expect(scores.filter(([metric]) => metric === learning)).toHaveLength(1)
  })

  test('of the past, and of series that would become one, are none', () => {
    const labels = sortedLabels([
      ['a.b', '1'],
      ['a_b', '2'],
    ])
    expect(scoresAsSeries(scoreBatch([{ labels, samples: [sample(1000)] }]))).toEqual([])
    expect(scoresAsSeries(scoreBatch([{ labels: labelled('load'), samples: [sample(1000)] }], { kind: 'history' }))).toEqual([])
  })
})
