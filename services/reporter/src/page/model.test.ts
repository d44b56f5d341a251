import { describe, expect, test } from 'vitest'
import type { AnomalyView, Points, SeriesDetail, SeriesRow } from '../api-model.ts'
import {
  distinguishingLabels,
  evaluated,
  fromAddress,
  initialState,
  type PageState,
  receiveAnomaly,
  receiveDetail,
  receiveList,
  receiveOpened,
  receivePoints,
  receiveSeries,
  select,
  toAddress,
  toggleAnomaly,
  visibleRange,
} from './model.ts'

const row = (key: string, about: Partial<SeriesRow> = {}): SeriesRow =>
  ({ key, state: 'ok', atMs: 1, value: 1, score: 0, recent: [1], labels: [], ...about }) as SeriesRow
const listOf = (...series: SeriesRow[]) => ({ total: series.length, matching: series.length, series })
const keys = (state: PageState) => state.list?.series.map((series) => series.key)
const anomaly = (episodeId: string, about: Partial<AnomalyView> = {}): AnomalyView =>
  ({ episodeId, state: 'open', seriesKey: 'b', startedAtMs: 1e6, observedAtMs: 1e6, endedAtMs: null, ...about }) as AnomalyView
const points = (...timestampsMs: number[]): Points => {
  const same = timestampsMs.map(() => 0)
  return { timestampsMs, values: same, expected: same, lower: same, upper: same, scores: same, imputed: [], reasons: [] }
}
const detail = (key: string, ...timestampsMs: number[]) =>
  ({ series: row(key), points: points(...timestampsMs), anomalies: [], drift: [] }) as unknown as SeriesDetail

describe('list of series', () => {
  test('keeps its order while scores change, and puts a new anomaly first', () => {
    const listed = receiveList(initialState, listOf(row('a'), row('b'), row('c')))
    expect(keys(receiveSeries(listed, [row('c', { atMs: 2, score: 0.9 })]))).toEqual(['a', 'b', 'c'])
    expect(keys(receiveSeries(listed, [row('c', { atMs: 2, state: 'anomalous' })]))).toEqual(['c', 'a', 'b'])
  })

  test('a newer value extends the sparkline, an old one does not', () => {
    const listed = receiveList(initialState, listOf(row('a')))
    expect(receiveSeries(listed, [row('a', { atMs: 2, value: 7 })]).list?.series[0]?.recent).toEqual([1, 7])
    expect(receiveSeries(listed, [row('a', { atMs: 1, value: 7 })]).list?.series[0]?.recent).toEqual([1])
  })

  test('labels that tell series apart: one of those that tell the same, none that all share', () => {
    const labels = (service: string, instance: string) =>
      row(service, {
        labels: [
          ['instance', instance],
          ['job', 'shop'],
          ['service', service],
        ],
      })
    expect([...distinguishingLabels([labels('cart', 'cart-1:80'), labels('pay', 'pay-1:80')])]).toEqual(['service'])
    expect([...distinguishingLabels([labels('cart', 'cart-1:80'), labels('cart', 'cart-2:80')])]).toEqual(['instance'])
    expect([...distinguishingLabels([labels('cart', 'cart-1:80')])]).toEqual([])
  })
})

describe('selection', () => {
  test('follows the anomaly until a person selects', () => {
    const listed = receiveList(initialState, listOf(row('a'), row('b')))
    expect(listed.selectedKey).toBe('a')
    const anomalous = receiveSeries(listed, [row('b', { atMs: 2, state: 'anomalous' })])
    expect(anomalous.selectedKey).toBe('b')
    expect(receiveSeries(anomalous, [row('b', { atMs: 3 })]).selectedKey).toBe('b')
    expect(receiveSeries(select(listed, 'a'), [row('b', { atMs: 2, state: 'anomalous' })]).selectedKey).toBe('a')
  })

  test('an answer about another series than the selected one is dropped', () => {
    const selected = select(initialState, 'a')
    expect(receiveDetail(selected, detail('b', 1)).detail).toBeUndefined()
    expect(receiveDetail(selected, detail('a', 1)).detail?.series.key).toBe('a')
  })

  test('newer points are appended once', () => {
    const read = receiveDetail(select(initialState, 'a'), detail('a', 1, 2))
    const later = receivePoints(read, detail('a', 2, 3))
    expect(later.detail?.points.timestampsMs).toEqual([1, 2, 3])
    expect(receivePoints(later, detail('a', 2, 3)).detail?.points.timestampsMs).toEqual([1, 2, 3])
    expect(receivePoints(later, detail('b', 9)).detail?.points.timestampsMs).toEqual([1, 2, 3])
  })
})

describe('anomalies', () => {
  test('are sorted by start and replaced by their news', () => {
    const order = [anomaly('old', { startedAtMs: 1 }), anomaly('new', { startedAtMs: 3 }), anomaly('middle', { startedAtMs: 2 })]
    const state = order.reduce(receiveAnomaly, initialState)
    expect(state.anomalies.map(({ episodeId }) => episodeId)).toEqual(['new', 'middle', 'old'])
    const resolved = receiveAnomaly(state, anomaly('middle', { startedAtMs: 2, state: 'resolved' }))
    expect(resolved.anomalies.map(({ state }) => state)).toEqual(['open', 'resolved', 'open'])
    expect(resolved.announcement).toMatch(/^anomaly resolved/)
  })

  test('opening one selects its series and its time, once more closes it', () => {
    const one = anomaly('e', { startedAtMs: 1_000_000, observedAtMs: 1_060_000 })
    const opened = toggleAnomaly(initialState, one)
    expect(opened).toMatchObject({ selectedKey: 'b', pinned: true, openedId: 'e', zoom: { fromMs: 700_000, toMs: 1_360_000 } })
    expect(toggleAnomaly(opened, one)).toMatchObject({ openedId: undefined, zoom: undefined, selectedKey: 'b' })
  })

  test('a link to one shows it, but does not take the time back that a person chose', () => {
    const linked = fromAddress(initialState, '?series=b&anomaly=e')
    const shown = receiveOpened(linked, { anomaly: anomaly('e'), steps: [], pods: [] })
    expect(shown).toMatchObject({ selectedKey: 'b', zoom: { fromMs: 700_000 } })
    expect(receiveOpened({ ...shown, zoom: undefined }, { anomaly: anomaly('e'), steps: [], pods: [] }).zoom).toBeUndefined()
    expect(receiveOpened(linked, { anomaly: anomaly('other'), steps: [], pods: [] })).toBe(linked)
  })
})

describe('address', () => {
  test('holds the state, there and back', () => {
    const query = '?series=b&search=web+1&state=ok&anomaly=e&range=6h&from=1000&to=2000'
    expect(toAddress(fromAddress(initialState, query))).toBe(query)
    expect(toAddress(fromAddress(initialState, ''))).toBe('/')
  })

  test('nonsense in it is ignored', () => {
    expect(fromAddress(initialState, '?range=constructor&from=9&to=1&state=bogus')).toEqual(initialState)
  })
})

test('the chart shows the range up to the newest point, or the zoom', () => {
  const hour = 3_600_000
  expect(visibleRange(initialState, points(0, 10 * hour))).toEqual({ fromMs: 9 * hour, toMs: 10 * hour })
  expect(visibleRange({ ...initialState, range: 'all' }, points(5, 10 * hour))).toEqual({ fromMs: 5, toMs: 10 * hour })
  expect(visibleRange({ ...initialState, zoom: { fromMs: 1, toMs: 2 } }, points(0, 10 * hour))).toEqual({ fromMs: 1, toMs: 2 })
})

test('a time that is only partly past has room for what has come, and a little more', () => {
  const zoomed = { ...initialState, zoom: { fromMs: 1000, toMs: 9000 } }
  expect(visibleRange(zoomed, points(0, 2000))).toEqual({ fromMs: 1000, toMs: 2030 })
  expect(visibleRange(zoomed, points(0, 9500))).toEqual({ fromMs: 1000, toMs: 9000 })
  expect(visibleRange(zoomed, points(0, 500))).toEqual({ fromMs: 1000, toMs: 9000 })
})

test('an address holds the expression and its time, and nothing is evaluated without one', () => {
  const asked = { ...initialState, view: 'explore', promql: 'rate(a[5m]) > 1', span: '24h' } as const
  const address = toAddress(asked)
  expect(fromAddress(initialState, address)).toMatchObject({ view: 'explore', promql: 'rate(a[5m]) > 1', span: '24h' })
  expect(evaluated(asked).exploration).toEqual({ kind: 'running' })
  expect(evaluated({ ...asked, promql: ' ' }).exploration).toBeUndefined()
})
