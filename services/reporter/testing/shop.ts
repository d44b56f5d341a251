/** A small shop as the page would see it: two dozen scored series with a rhythm, noise and one fault. Deterministic. */

import type { LabelSet } from '@lapwing/contracts/series'
import type { SeriesState } from '@lapwing/contracts/series-state'
import { labelled, type ScoredSample, type ScoredSeries } from './score-batch.ts'

export interface ShopTimes {
  readonly fromMs: number
  readonly toMs: number
  readonly stepMs: number
  readonly fault: { readonly fromMs: number; readonly toMs: number }
}

/** The series with the fault. */
export const faultyLabels = labelled('http_request_duration_p95_seconds', {
  service: 'checkout',
  instance: 'checkout-1:8080',
  job: 'shop',
})

export function shopSeries(times: ShopTimes): ScoredSeries[] {
  return shop().map(({ labels, level, swing, state }, number) => {
    const samples: ScoredSample[] = []
    for (let atMs = times.fromMs; atMs < times.toMs; atMs += times.stepMs) {
      const expected = level + swing * Math.sin((atMs / 1000 / 1800 + number / 7) * Math.PI)
      samples.push(sample(atMs, expected, level, number, times, labels === faultyLabels, state))
    }
    return { labels, samples }
  })
}

interface ShopSeries {
  readonly labels: LabelSet
  readonly level: number
  readonly swing: number
  readonly state: SeriesState
}

function shop(): ShopSeries[] {
  return services.flatMap((service, at) => {
    const labels = { service, instance: `${service}-1:8080`, job: 'shop' }
    const latency = service === 'checkout' ? faultyLabels : labelled('http_request_duration_p95_seconds', labels)
    return [
      { labels: labelled('http_requests_per_second', labels), level: 120 + 40 * at, swing: 30, state: 'ok' },
      { labels: latency, level: 0.18 + 0.02 * at, swing: 0.03, state: 'ok' },
      {
        labels: labelled('process_resident_memory_bytes', labels),
        level: (0.4 + at / 10) * 2 ** 30,
        swing: 2 ** 24,
        state: 'ok',
      },
      { labels: labelled('cpu_utilisation_ratio', labels), level: 0.35, swing: 0.12, state: at === 3 ? 'warming' : 'ok' },
    ] satisfies ShopSeries[]
  })
}

const services = ['checkout', 'cart', 'search', 'payments', 'gateway', 'catalogue']

function sample(
  atMs: number,
  expected: number,
  level: number,
  number: number,
  times: ShopTimes,
  isFaulty: boolean,
  state: SeriesState,
): ScoredSample {
  const noise = level * 0.03 * (hash(atMs / times.stepMs, number) - 0.5) * 2
  const inFault = isFaulty && atMs >= times.fault.fromMs && atMs < times.fault.toMs
  const score = inFault ? 2.4 + hash(atMs, 1) : Math.abs(noise / level) * 12
  return {
    timestampMs: atMs,
    value: (expected + noise) * (inFault ? 4.2 : 1),
    expected,
    lower: expected - 0.07 * level,
    upper: expected + 0.07 * level,
    score,
    confidence: state === 'warming' ? 0 : 0.94,
    state: inFault ? 'anomalous' : state,
    stateDetail: state === 'warming' ? 0.62 : 0,
    reason: inFault ? 'spike' : 'none',
    flags: hash(Math.floor(atMs / 120_000), number) > 0.985 ? 1 : 0,
  }
}

/** 0 to 1, the same for the same numbers. */
function hash(a: number, b: number): number {
  const mixed = Math.sin(a * 12.9898 + b * 78.233) * 43758.5453
  return mixed - Math.floor(mixed)
}
