import { configuredQueries } from '@lapwing/queries/configured-queries'
import { describe, expect, test } from 'vitest'
import { openApi } from '../../testing/api.ts'
import { labelled, scoreBatch } from '../../testing/score-batch.ts'
import { underlined } from '../page/promql-text.ts'
import { createProjection, foldScores } from '../projection.ts'
import { exploredIngestor } from './explore-settings.ts'
import { watchedPoints, watchedView } from './explored-series.ts'
import { createLiveExplorer } from './explorer.ts'
import { promqlPosition } from './promql-position.ts'
import { tryOut } from './trial.ts'

describe('where Prometheus found a mistake', () => {
  test.each([
    ['up{', 'invalid parameter "query": 1:4: parse error: unexpected end of input inside braces', 3],
    ['sum(\n  up{)', '2:6: parse error: unexpected ")"', 10],
    ['"é" + )', '1:8: parse error: unexpected <op:+>', 6],
    ['up', 'query timed out', undefined],
    ['up', '7:1: parse error: elsewhere', undefined],
    ['up', '1:99: parse error: beyond the end', 2],
  ])('%s', (promql, message, position) => {
    expect(promqlPosition(promql, message)).toBe(position)
  })

  test('a caret stands under it, tabs included', () => {
    expect(underlined('sum(\n\tup{)\n)', 9)).toBe('sum(\n\tup{)\n\t   ^')
  })
})

const detector = { windowMs: 3_600_000, contamination: 0.01, falseAlarmsPerWeek: 1, timeZone: 'UTC', seed: 1 }
const stepMs = 15_000

describe('a series that is tried out', () => {
  const timestampsMs = Array.from({ length: 1200 }, (_, i) => (i + 1) * stepMs)
  const values = timestampsMs.map((_, i) => 50 + Math.sin(i / 30) + 0.2 * Math.sin(i * 7.7) + (i >= 1100 && i < 1150 ? 40 : 0))
  const trial = tryOut({ labels: [], timestampsMs, values }, { detector, stepMs, shownFromMs: 500 * stepMs })

  test('is learned from what comes before, and shown from there on', () => {
    expect(trial.points.timestampsMs[0]).toBe(500 * stepMs)
    expect(trial.points.lower[0]).toBeLessThan(50)
    expect(trial.confidence).toBe(1)
  })

  test('has an episode from the jump until after its end', () => {
    expect(trial.episodes.length).toBeGreaterThanOrEqual(1)
    const [first] = trial.episodes
    expect(first!.startedAtMs).toBeGreaterThanOrEqual(1101 * stepMs)
    expect(first!.startedAtMs).toBeLessThan(1110 * stepMs)
    expect(trial.points.reasons).toContain('spike')
  })

  test('a value that is no number is passed over', () => {
    const gaps = values.map((value, i) => (i % 100 === 7 ? Number.NaN : value))
    const { points } = tryOut({ labels: [], timestampsMs, values: gaps }, { detector, stepMs, shownFromMs: 0 })
    expect(points.values).toHaveLength(1188)
  })
})

describe('a series that is watched', () => {
  const projection = createProjection({ pointsPerSeries: 100, maxSeries: 10 })
  const labels = labelled('rate(x[5m])', { job: 'a' })
  const samples = [100, 110, 120, 130].map((s) => ({ timestampMs: s * 1000, value: s, score: s === 110 ? 3 : 0.5 }))
  foldScores(projection, scoreBatch([{ labels, samples }]))

  test('is found under the name that the poller gave it, and under no other', () => {
    const answered = [{ name: 'job', value: 'a' }]
    expect(watchedView(projection, answered, ['rate(x[5m])'])?.labels).toEqual(labels)
    expect(watchedView(projection, answered, ['rate(x[1m])'])).toBeUndefined()
    expect(watchedView(projection, labelled('y', { job: 'a' }), ['rate(x[5m])'])).toBeUndefined()
  })

  test('is shown as it was scored, the highest score of a step, and as Prometheus has it before that', () => {
    const view = watchedView(projection, labels, [])!
    const fetched = { labels, timestampsMs: [20_000, 40_000, 100_000, 120_000], values: [2, Number.NaN, 10, 12] }
    const points = watchedPoints(view, fetched, { fromMs: 20_000, toMs: 125_000, stepMs: 20_000 })
    expect(points.timestampsMs).toEqual([20_000, 40_000, 110_000, 120_000])
    expect(points.values).toEqual([2, null, 110, 120])
    expect(points.scores).toEqual([0, 0, 3, 0.5])
    expect(points.lower).toEqual([null, null, 109, 119])
  })
})

test('an explorer goes on with a Prometheus that is configured later, and says what it cannot read', async () => {
  const { history } = await openApi()
  const sources = { projection: createProjection({ pointsPerSeries: 10, maxSeries: 10 }), history }
  const explorer = createLiveExplorer({}, sources)
  expect(explorer.unavailable).toMatch(/set prometheus_url/)
  const prometheus_url = 'http://127.0.0.1:9'
  const polled = exploredIngestor.parse({ prometheus_url, metrics: ['up', { query: 'node_load1', name: 'load' }] })
  const upId = configuredQueries(polled)[0]!.source
  expect(explorer.promqlOf(upId)).toBeUndefined()
  explorer.take({ ingestor: polled })
  expect(explorer.unavailable).toBe('')
  expect([upId, 'load', 'remote-write'].map(explorer.promqlOf)).toEqual(['up', undefined, undefined])
  const asked = { promql: 'up', fromMs: 0, toMs: 60_000 }
  await expect(explorer.explore(asked, new AbortController().signal)).rejects.toThrow(/cannot be reached/)
  explorer.take({ ingestor: exploredIngestor.parse({ prometheus_url, prometheus_access: { bearer_token_file: '/absent' } }) })
  expect(explorer.unavailable).toMatch(/cannot be read where the reporter runs/)
})

describe('the route', () => {
  const ask = async (query: string, ...how: Parameters<typeof openApi>) => {
    const { http } = await openApi(...how)
    const { statusCode, body } = await http.inject({
      url: `/api/v1/explore?${query}`,
      headers: { host: '127.0.0.1', ...(how[0] && { authorization: `Bearer ${Object.keys(how[0])[0]}` }) },
    })
    return [statusCode, JSON.parse(body).error]
  }

  test('says that there is no Prometheus', async () => {
    expect(await ask('query=up')).toEqual([409, 'no Prometheus is configured: set prometheus_url'])
  })

  test.each([
    ['query=', /expected PromQL/],
    [`query=${'x'.repeat(4001)}`, /4000/],
    ['query=up&from=1000&to=1000', /end after the beginning/],
    [`query=up&from=0&to=${36 * 86_400_000}`, /35 days/],
    ['query=up&url=http://elsewhere', /url/],
  ])('refuses %s', async (query, error) => {
    expect(await ask(query)).toEqual([400, expect.stringMatching(error)])
  })

  test('needs a token that may read, and without tokens a question from this machine', async () => {
    const text = 'a-long-text-of-somebody'
    expect((await ask('query=up', { [text]: ['read'] }, '0.0.0.0'))[0]).toBe(409)
    expect(await ask('query=up', { [text]: ['write'] })).toEqual([403, 'the token person-0 has no scope read'])
    expect(await ask('query=up', undefined, '0.0.0.0')).toEqual([
      403,
      'evaluating PromQL over the network needs a token: set reporter.tokens',
    ])
  })
})
