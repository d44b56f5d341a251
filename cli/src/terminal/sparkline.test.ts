import { expect, test } from 'vitest'
import { sparkline } from './sparkline.ts'

const series = (values: number[]) => ({ length: values.length, timestampsMs: values.map((_, i) => i), values })

test('a sparkline goes from the least to the largest mean, blank where there is nothing', () => {
  expect(sparkline(series([0, 1, 2, 3, 4, 5, 6, 7]), { fromMs: 0, toMs: 8, width: 8 })).toBe('▁▂▃▄▅▆▇█')
  expect(sparkline(series([0, 0, 7, 7]), { fromMs: 0, toMs: 4, width: 2 })).toBe('▁█')
  expect(sparkline(series([5, 5]), { fromMs: 0, toMs: 4, width: 4 })).toBe('▁▁  ')
  expect(sparkline(series([Number.NaN, 1]), { fromMs: 0, toMs: 2, width: 2 })).toBe(' ▁')
})
