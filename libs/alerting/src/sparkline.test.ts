import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sparkline } from './sparkline.ts'

const band = { lower: 1, upper: 3 }

test('shows the course against its band', () => {
  expect(sparkline([2, 1, 3, 2, 9, 7.5], band)).toEqual({ line: '▂▁▃▂█▇', band: { lower: '▁', upper: '▃' } })
})

test('has gaps where there is no value, and no band where none is known', () => {
  expect(sparkline([1, Number.NaN, 2], { lower: Number.NaN, upper: 3 })).toEqual({ line: '▁·█', band: undefined })
})

test.each([
  ['nothing', []],
  ['one value', [1]],
  ['no value', [Number.NaN, Number.POSITIVE_INFINITY]],
])('of %s there is none', (_, values) => {
  expect(sparkline(values, band)).toBeUndefined()
})

test('whatever the values are, it has a character for each of them', () => {
  fc.assert(
    fc.property(fc.array(fc.double(), { maxLength: 60 }), fc.double(), fc.double(), (values, lower, upper) => {
      const line = sparkline(values, { lower, upper })?.line
      if (line !== undefined) expect(line).toMatch(new RegExp(`^[▁▂▃▄▅▆▇█·]{${values.length}}$`))
    }),
  )
})
