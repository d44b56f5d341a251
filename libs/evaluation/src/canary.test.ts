import { describe, expect, test } from 'vitest'
import { canaryCount, canaryFaultKind, canaryFaults, canaryPage, canaryValue } from './canary.ts'

const dayMs = 86_400_000
const fromMs = Date.UTC(2026, 2, 1)
const weekFaults = (canary: number) => canaryFaults(canary, fromMs, fromMs + 7 * dayMs)
const canaries = Array.from({ length: canaryCount }, (_, canary) => canary)

describe('the canary', () => {
  test('goes wrong once a week in each series, for twenty minutes, at all hours, and no two at a time', () => {
    const starts = canaries.flatMap((canary) => weekFaults(canary).map((fault) => fault.fromMs)).sort((a, b) => a - b)
    expect(starts).toHaveLength(canaryCount)
    for (const [i, startMs] of starts.entries()) expect(startMs - (starts[i - 1] ?? 0)).toBeGreaterThan(3_600_000)
    expect(new Set(starts.map((startMs) => new Date(startMs).getUTCHours())).size).toBeGreaterThan(10)
    expect(canaries.flatMap(weekFaults).every((fault) => fault.toMs - fault.fromMs === 20 * 60_000)).toBe(true)
  })

  test('says of a time only the faults that begin in it', () => {
    const [fault] = weekFaults(3)
    expect(canaryFaults(3, fault!.fromMs, fault!.fromMs + 1)).toEqual([fault])
    expect(canaryFaults(3, fault!.fromMs + 1, fault!.fromMs + 7 * dayMs)).toEqual([])
    expect(canaryFaults(3, fromMs, fromMs + 21 * dayMs)).toHaveLength(3)
  })

  test('is wrong exactly in its faults', () => {
    for (const canary of canaries) {
      const [fault] = weekFaults(canary)
      for (let atMs = fromMs; atMs < fromMs + 7 * dayMs; atMs += 300_000) {
        const value = canaryValue(canary, atMs)
        const isUsual = value !== undefined && value > 60 && value < 140
        expect(isUsual).toBe(!(atMs >= fault!.fromMs && atMs < fault!.toMs))
      }
    }
  })

  test('is on a page as Prometheus reads it, without a series that is silent', () => {
    const lines = (atMs: number) => canaryPage(atMs).trim().split('\n')
    const silent = canaries.find((canary) => canaryFaultKind(canary) === 'silence')!
    expect(lines(weekFaults(silent)[0]!.fromMs)).toHaveLength(canaryCount + 1)
    const page = lines(weekFaults(0)[0]!.fromMs)
    expect(page.slice(0, 2)).toEqual([expect.stringMatching(/^# HELP /), '# TYPE lapwing_canary_value gauge'])
    expect(page.slice(2).every((line) => /^lapwing_canary_value\{canary="\d+"\} [\d.]+$/.test(line))).toBe(true)
  })
})
