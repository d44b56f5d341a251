import { describe, expect, test } from 'vitest'
import { type FaultKind, faultKinds, SimulatedSeries, seriesKindFor, seriesKinds } from './simulated-series.ts'

const dayMinutes = 1440

function run(series: SimulatedSeries, minutes: number) {
  return Array.from({ length: minutes }, () => ({ scraped: series.next(), value: series.value, inFault: series.inFault }))
}

describe('simulated series', () => {
  test.each(seriesKinds)('%s: the same seed gives the same values, all finite and none negative', (kind) => {
    const once = run(new SimulatedSeries({ kind, seed: 7 }), 3 * dayMinutes)
    expect(run(new SimulatedSeries({ kind, seed: 7 }), 3 * dayMinutes)).toEqual(once)
    expect(once.every(({ value }) => Number.isFinite(value) && value >= 0)).toBe(true)
    expect(run(new SimulatedSeries({ kind, seed: 8 }), 3 * dayMinutes)).not.toEqual(once)
  })

  test.each(faultKinds)('%s changes the series during the fault and not before', (kind: FaultKind) => {
    const startMinute = 2 * dayMinutes + 700
    const options = { kind: seriesKindFor(kind, 0), seed: 11 }
    const faulty = new SimulatedSeries({ ...options, fault: { kind, startMinute } })
    const healthy = run(new SimulatedSeries(options), faulty.faultEndMinute)
    const seen = run(faulty, faulty.faultEndMinute)
    const firstMinute = faulty.faultStartMinute - (kind === 'missing-dip' ? 20 : 0)
    expect(seen.slice(0, firstMinute).map(({ value }) => value)).toEqual(healthy.slice(0, firstMinute).map(({ value }) => value))
    const changed = seen.filter(({ value, scraped }, i) => value !== healthy[i]!.value || scraped !== healthy[i]!.scraped)
    expect(changed.length).toBeGreaterThan(2)
    expect(seen.filter(({ inFault }) => inFault)).toHaveLength(faulty.faultEndMinute - faulty.faultStartMinute)
  })
})
