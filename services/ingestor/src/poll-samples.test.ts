import { sortedLabels } from '@lapwing/contracts/series'
import { sampleFlags } from '@lapwing/contracts/series-state'
import { createRelabel, type RelabelRule } from '@lapwing/prometheus/relabel'
import { describe, expect, test } from 'vitest'
import { polledSamples } from './poll-samples.ts'

const window = { range: { startMs: 0, endMs: 60_000, stepMs: 15_000 }, kind: 'live' } as const
const dropSpare: RelabelRule = {
  action: 'drop',
  sourceLabels: ['instance'],
  separator: ';',
  regex: 'spare-.*',
  modulus: 0,
  targetLabel: '',
  replacement: '$1',
}
const naming = {
  seriesName: 'sum by (instance) (rate(x[1m]))',
  rules: {
    entityBy: ['instance'],
    limits: { labels: 3, nameLength: 20, valueLength: 50 },
    relabel: createRelabel([dropSpare]),
  },
  longestGapMs: 15_000,
  known: new WeakMap(),
}
const instance = sortedLabels([['instance', 'a']])

describe('samples of a poll', () => {
  test('a series keeps its metric name, and one without is called by its expression', () => {
    const answer = [sortedLabels([['__name__', 'up']]), instance].map((labels) => ({ labels, timestampsMs: [0], values: [1] }))
    expect(polledSamples(answer, window, naming).series.map((one) => one.series.labels)).toEqual([
      [{ name: '__name__', value: 'up' }],
      [
        { name: '__name__', value: 'sum by (instance) (rate(x[1m]))' },
        { name: 'instance', value: 'a' },
      ],
    ])
  })

  test('what is no number is a gap: counted, and filled like one', () => {
    const answer = [{ labels: instance, timestampsMs: [0, 15_000, 30_000], values: [1, Number.NaN, Number.POSITIVE_INFINITY] }]
    const lost = polledSamples(answer, window, naming)
    expect(lost).toMatchObject({ samples: 1, imputed: 0, nonFinite: 2 })
    const between = [{ labels: instance, timestampsMs: [0, 15_000, 30_000], values: [1, Number.NaN, 3] }]
    const filled = polledSamples(between, window, naming)
    expect(filled).toMatchObject({ samples: 2, imputed: 1, nonFinite: 1 })
    expect(filled.series[0]).toMatchObject({ values: [1, 1, 3], flags: [0, sampleFlags.imputed, 0] })
  })

  test('a series with a label over a limit is left out and told, and its neighbours go on', () => {
    const long = sortedLabels([['instance', 'x'.repeat(51)]])
    const answer = [long, instance].map((labels) => ({ labels, timestampsMs: [0, 15_000], values: [1, 2] }))
    const polled = polledSamples(answer, window, naming)
    expect(polled).toMatchObject({
      samples: 2,
      left: { label_limit: 2, relabelled: 0 },
      firstProblem: expect.stringContaining('label_value_length_limit'),
    })
    expect(polled.series.map((one) => one.series.labels.at(-1)!.value)).toEqual(['a'])
  })

  test('a series that a rule drops is left out, counted, and nothing to tell of', () => {
    const spare = sortedLabels([['instance', 'spare-1']])
    const answer = [spare, instance].map((labels) => ({ labels, timestampsMs: [0], values: [1] }))
    const polled = polledSamples(answer, window, naming)
    expect(polled).toMatchObject({ samples: 1, left: { relabelled: 1, label_limit: 0 }, firstProblem: undefined })
  })
})
