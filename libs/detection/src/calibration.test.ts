import { describe, expect, test } from 'vitest'
import {
  calibrationFields,
  calibrationLength,
  endBlock,
  endDay,
  learnPeak,
  learnUsual,
  measure,
  setThreshold,
} from './calibration.ts'
import { createRandom } from './random.ts'

const wantedPerDay = 0.01

/** Threshold after days whose largest measurements are given. */
function thresholdAfter(largest: readonly number[]): number {
  const rows = new Float64Array(calibrationLength)
  largest.forEach((value, day) => {
    measure(rows, 0, value)
    endBlock(rows, 0, 1e-9)
    const ofDay = endDay(rows, 0)
    learnUsual(rows, 0, ofDay, day)
    learnPeak(rows, 0, ofDay, 1, day)
  })
  setThreshold(rows, 0, { blocks: largest.length, wantedRate: wantedPerDay }, 1)
  return rows[calibrationFields.threshold]!
}

function dailyMaxima(days: number, seed: number, spread: number): number[] {
  const random = createRandom(seed)
  return Array.from({ length: days }, () => Math.exp(spread * -Math.log(-Math.log(random()))))
}

describe('calibration', () => {
  test('what is exceeded about as often as wanted, in quiet and in bursty series alike', () => {
    for (const spread of [0.1, 0.3, 0.6]) {
      let exceeded = 0
      for (let seed = 1; seed <= 200; seed++) {
        const threshold = thresholdAfter(dailyMaxima(20, seed, spread))
        exceeded += dailyMaxima(100, 10_000 + seed, spread).filter((value) => value > threshold).length
      }
      const perDay = exceeded / 20_000
      expect(perDay).toBeLessThan(2 * wantedPerDay)
      expect(perDay).toBeGreaterThan(0.05 * wantedPerDay)
    }
  })

  test('a young series needs more', () => {
    const maxima = dailyMaxima(21, 3, 0.2).sort((a, b) => b - a)
    expect(thresholdAfter(maxima.slice(0, 2))).toBeGreaterThan(thresholdAfter(maxima))
  })

  test('scale does not matter', () => {
    const maxima = dailyMaxima(20, 5, 0.3)
    expect(thresholdAfter(maxima.map((value) => 1000 * value))).toBeCloseTo(1000 * thresholdAfter(maxima), 6)
  })

  test('what was news is hardly news the second time', () => {
    const quiet = Array(20).fill(1)
    expect(thresholdAfter([...quiet, 10])).toBeGreaterThan(9)
  })
})
