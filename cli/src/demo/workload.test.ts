import { severities, severityOf } from '@lapwing/detection/episode'
import { SeriesDetector } from '@lapwing/detection/series-detector'
import { detectorSchema } from '@lapwing/detector/config'
import { seriesDetectorOptions } from '@lapwing/queries/detector-settings'
import { describe, expect, test } from 'vitest'
import { historyMs, seed, stepMs } from './send-demo.ts'
import { demoSeries, faultAt, type Metric, type Service, valueAt } from './workload.ts'

const liveStartMs = 1_800_000_000_000
const series = (service: Service, metric: Metric) => demoSeries.find((one) => one.service === service && one.metric === metric)!
const values = (of: ReturnType<typeof series>, fromMs: number, toMs: number, seed = 1) =>
  Array.from({ length: (toMs - fromMs) / stepMs }, (_, i) => valueAt(of, liveStartMs + fromMs + i * stepMs, liveStartMs, seed))
const mean = (numbers: readonly (number | undefined)[]) =>
  numbers.reduce<number>((sum, value) => sum + value!, 0) / numbers.length
/** Begin of the faults that go round. */
const roundMs = 240_000
const turnMs = 180_000

describe('the demo workload', () => {
  test('has 24 series with distinct labels', () => {
    expect(demoSeries).toHaveLength(24)
    expect(new Set(demoSeries.map((one) => JSON.stringify(one.labels))).size).toBe(24)
    expect(demoSeries[0]!.labels.map((label) => label.name)).toEqual(['__name__', 'instance', 'job', 'service'])
  })

  test('is the same for a seed, in whatever order it is asked for, and another for another seed', () => {
    const forwards = demoSeries.map((one) => values(one, -600_000, 600_000))
    const backwards = demoSeries.toReversed().map((one) => values(one, -600_000, 600_000))
    expect(backwards.toReversed()).toEqual(forwards)
    expect(demoSeries.map((one) => values(one, -600_000, 600_000, 2))).not.toEqual(forwards)
  })

  test('is finite, positive and without a fault in the past', () => {
    for (const one of demoSeries) {
      const past = values(one, -7_200_000, 0)
      expect(past.every((value) => value !== undefined && Number.isFinite(value) && value >= 0)).toBe(true)
      if (one.metric === 'errors') expect(Math.max(...(past as number[]))).toBeLessThan(0.05)
    }
    expect(faultAt(-1)).toBeUndefined()
  })

  test('has a rhythm that is larger than its noise', () => {
    const requests = values(series('cart', 'requests'), -600_000, 0) as number[]
    const [trough, peak] = [Math.min(...requests), Math.max(...requests)]
    expect(peak / trough).toBeGreaterThan(1.5)
    const changes = requests.slice(1).map((value, i) => Math.abs(value - requests[i]!))
    expect(mean(changes)).toBeLessThan((peak - trough) / 8)
  })

  test('makes checkout slow and failing from 22 s to 82 s', () => {
    expect(faultAt(21_999)).toBeUndefined()
    expect(faultAt(22_000)?.title).toBe('checkout becomes slow and fails')
    expect(faultAt(81_999)?.title).toBe('checkout becomes slow and fails')
    expect(faultAt(82_000)).toBeUndefined()
    const [latency, errors] = [series('checkout', 'latency'), series('checkout', 'errors')]
    expect(mean(values(latency, 25_000, 80_000)) / mean(values(latency, -600_000, 0))).toBeGreaterThan(3)
    expect(mean(values(errors, 25_000, 80_000)) / mean(values(errors, -600_000, 0))).toBeGreaterThan(15)
    expect(values(series('cart', 'latency'), 25_000, 80_000)).toEqual(
      values(series('cart', 'latency'), 25_000, 80_000).map((_, i) =>
        valueAt(series('cart', 'latency'), liveStartMs + 25_000 + i * stepMs, liveStartMs + 7_200_000, 1),
      ),
    )
  })

  test('goes round: a burst, a flat line, silence, a leak, a queue', () => {
    const at = (turn: number) => roundMs + turn * turnMs
    expect(mean(values(series('search', 'requests'), at(0), at(0) + 90_000))).toBeGreaterThan(800)
    expect(new Set(values(series('payments', 'cpu'), at(1), at(1) + 150_000)).size).toBe(1)
    expect(new Set(values(series('cart', 'cpu'), at(2), at(2) + 75_000))).toEqual(new Set([undefined]))
    const leak = values(series('gateway', 'memory'), at(3), at(3) + 150_000) as number[]
    expect(leak.at(-1)! / leak[0]!).toBeGreaterThan(1.8)
    const queue = values(series('payments', 'queue'), at(4), at(4) + 60_000) as number[]
    expect(queue.at(-1)! / queue[0]!).toBeGreaterThan(5)
    expect(faultAt(at(6))?.title).toBe(faultAt(at(0))?.title)
  })

  test.each([0, 150_000, 300_000, 450_000])(
    'has faults that are all told, and nothing else is, begun %d ms into its rhythm',
    (intoMs) => {
      const beginMs = liveStartMs + intoMs
      const told = new Set(demoSeries.flatMap((one) => [...notified(one, beginMs)]))
      const faults = Array.from({ length: 7 }, (_, i) => faultAt(i === 0 ? 22_000 : roundMs + (i - 1) * turnMs)!)
      expect([...told].sort((a, b) => a - b)).toEqual(faults.map(({ startMs }) => startMs))
    },
  )
})

/** Begin of each fault of the first round during which this series is told; of none, when it was told. */
function* notified(one: (typeof demoSeries)[number], beginMs: number): Generator<number> {
  const detector = new SeriesDetector(seriesDetectorOptions(detectorSchema.parse({})))
  const isTold = () => severities.indexOf(severityOf(detector.episode(0))) > 0
  for (let atMs = beginMs - historyMs; atMs < beginMs + roundMs + 6 * turnMs; atMs += stepMs) {
    const value = valueAt(one, atMs, beginMs, seed)
    const live = atMs >= beginMs
    if (value !== undefined) detector.update(0, { timestampMs: atMs, value, imputed: false, stale: false, stepMs, live })
    else detector.tick(0, atMs)
    const { transition } = detector.verdict
    if ((transition === 'opened' || transition === 'escalated') && isTold()) yield faultAt(atMs - beginMs)?.startMs ?? atMs
  }
}
