import { describe, expect, test } from 'vitest'
import { fitChannelScale, scaleRows } from './channel-scale.ts'

const rowsOf = (...rows: number[][]) => ({
  channels: rows[0]!.length,
  count: rows.length,
  values: Float64Array.from(rows.flat()),
})

describe('channel scale', () => {
  test('brings every channel to mean 0 and deviation 1, whatever its unit', () => {
    const rows = rowsOf([1, 2e9], [3, 4e9], [5, 6e9], [7, 8e9])
    const { values } = scaleRows(rows, fitChannelScale(rows))
    for (const channel of [0, 1]) {
      const column = [0, 1, 2, 3].map((row) => values[row * 2 + channel]!)
      expect(column.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 6)
      expect(column.reduce((sum, value) => sum + value * value, 0) / 4).toBeCloseTo(1, 6)
    }
  })

  test('a channel that hardly moved has a floor: of its range, of its level, or of one hundredth', () => {
    const spiky = Array.from({ length: 100_000 }, (_, i) => [i === 500 ? 10 : 0, 50, 0])
    expect([...fitChannelScale(rowsOf(...spiky)).deviations]).toEqual([0.1, 0.5, 0.01])
  })

  test('a missing value repeats the row before, and is the mean before the first', () => {
    const rows = rowsOf([Number.NaN], [10], [Number.NaN], [20])
    const { values } = scaleRows(rows, fitChannelScale(rows))
    expect([...values]).toEqual([0, -1, -1, 1])
  })

  test('a channel without any value is scaled to nothing', () => {
    const rows = rowsOf([Number.NaN], [Number.NaN])
    expect([...scaleRows(rows, fitChannelScale(rows)).values]).toEqual([0, 0])
  })
})
