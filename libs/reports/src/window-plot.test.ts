import { describe, expect, test } from 'vitest'
import { svgToPng } from './plot.ts'
import { windowPlot } from './window-plot.ts'

const startMs = Date.parse('2026-01-05T10:00:00Z')
const shop = {
  ...{ startMs, stepMs: 60_000, lower: 0.5, upper: 1.5, startedAtMs: startMs + 20 * 60_000 },
  values: Array.from({ length: 30 }, (_, i) => (i < 20 ? 1 + (i % 3) / 10 : 9)),
}

describe('the picture of a window', () => {
  test('shows the line, the band and the episode, with times of day, and the same bytes each time', () => {
    const svg = windowPlot(shop)!
    expect(svg).toContain('var(--series)')
    expect(svg).toContain('var(--band)')
    expect(svg).toContain('var(--told)')
    expect(svg).toContain('10:10')
    expect(windowPlot(shop)).toBe(svg)
  })

  test('goes without a band that is not known, and without values', () => {
    expect(windowPlot({ ...shop, lower: Number.NaN })).not.toContain('var(--band)')
    expect(windowPlot({ ...shop, values: [1, Number.NaN] })).toBeUndefined()
  })

  test('becomes a PNG of twice its size', () => {
    const png = svgToPng(windowPlot(shop)!)
    expect(png.subarray(1, 4).toString()).toBe('PNG')
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1440, 480])
  })
})
