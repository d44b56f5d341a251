import { describe, expect, test } from 'vitest'
import { anomaly, notification } from '../../testing/records.ts'
import { labelled } from '../../testing/score-batch.ts'
import type { AnomalyView } from '../api-model.ts'
import { foldAnomaly } from '../episode.ts'
import { anomalyView } from '../views.ts'
import { besides, incidents } from './incidents.ts'

const view = (episodeId: string, about: Partial<Parameters<typeof anomaly>[0]>, isTold = false): AnomalyView =>
  anomalyView({
    episode: foldAnomaly(undefined, anomaly({ id: episodeId, episodeId, ...about })),
    notifications: isTold ? [notification({ id: 'n', alertId: episodeId })] : [],
    judgement: undefined,
  })
const of = (metric: string, instance: string) => labelled(metric, { instance, job: 'shop' })

describe('incidents', () => {
  test('series of one entity are one, the most severe first, named by what they share', () => {
    const now = incidents([
      view('a', { labels: of('cpu', 'a'), entityKey: 'A', startedAtMs: 300 }),
      view('b', { labels: of('cpu', 'b'), entityKey: 'B', startedAtMs: 100 }),
      view('c', { labels: of('disk', 'a'), entityKey: 'A', startedAtMs: 200, severity: 'critical' }, true),
    ])
    expect(
      now.map(({ name, severity, sinceMs, isTold, anomalies }) => [
        name,
        severity,
        sinceMs,
        isTold,
        anomalies.map((one) => one.metric),
      ]),
    ).toEqual([
      ['a · shop', 'critical', 200, true, ['disk', 'cpu']],
      ['b · shop', 'warning', 100, false, ['cpu']],
    ])
    expect(incidents([])).toEqual([])
  })

  test('besides an anomaly stands what went on at the same time on the same entity', () => {
    const one = view('one', { entityKey: 'A', startedAtMs: 100, endedAtMs: 200, state: 'resolved' })
    const others = [
      view('during', { entityKey: 'A', startedAtMs: 150 }),
      view('later', { entityKey: 'A', startedAtMs: 250 }),
      view('before', { entityKey: 'A', startedAtMs: 10, endedAtMs: 90 }),
      view('elsewhere', { entityKey: 'B', startedAtMs: 150 }),
    ]
    expect(besides(one, [one, ...others]).map(({ episodeId }) => episodeId)).toEqual(['during'])
  })
})
