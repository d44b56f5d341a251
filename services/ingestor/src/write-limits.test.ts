import { sortedLabels } from '@lapwing/contracts/series'
import { identify } from '@lapwing/prometheus/series-samples'
import { expect, test } from 'vitest'
import { activeWindowMs, createWriteLimits, writeLimitsSchema } from './write-limits.ts'

const limits = (settings: object) => createWriteLimits(writeLimitsSchema.parse(settings))
const series = (name: string) => identify(sortedLabels([['__name__', name]]), [])

test('nothing is limited that is not configured', () => {
  const free = limits({})('shop', '10.0.0.1')
  free.charge(1e9, 0)
  expect([free.waitMs(0), free.requestBytes, free.seriesLimit(0)]).toEqual([0, Number.POSITIVE_INFINITY, undefined])
})

test('the rate is that of the bucket: a debt is worked off, and a pause gives no more than the burst', () => {
  const of = limits({ per_tenant: { samples_per_second: 100, burst: 200 } })
  const shop = of('shop', 'a')
  shop.charge(500, 0)
  expect(shop.waitMs(0)).toBe(3001)
  expect(of('shop', 'b').waitMs(0)).toBe(3001)
  expect(of('bank', 'a').waitMs(0)).toBe(0)
  expect(shop.waitMs(3001)).toBe(0)
  shop.charge(300, 1e6)
  expect(shop.waitMs(1e6)).toBe(1001)
})

test('series over the limit are refused, those that are there go on, and silent ones make room after two windows', () => {
  const shop = limits({ per_tenant: { active_series: 2 }, per_source: { active_series: 10 } })('shop', 'a')
  const admitted = (names: string[], nowMs: number) => {
    const limit = shop.seriesLimit(nowMs)!
    return names.map((name) => limit.admit(series(name)))
  }
  expect(admitted(['x', 'y', 'z', 'x'], 0)).toEqual([true, true, false, true])
  const pass = shop.seriesLimit(1)!.pass
  expect(admitted(['x', 'z'], activeWindowMs)).toEqual([true, false])
  expect(shop.seriesLimit(activeWindowMs)!.pass).not.toBe(pass)
  expect(admitted(['x', 'z'], 2 * activeWindowMs)).toEqual([true, true])
})
