import { sortedLabels } from '@lapwing/contracts/series'
import { describe, expect, test } from 'vitest'
import { labelOverLimit } from './label-limits.ts'

const limits = { labels: 2, nameLength: 8, valueLength: 10 }
const over = (...pairs: [string, string][]) => labelOverLimit(sortedLabels(pairs), limits)

describe('limits of labels', () => {
  test('what is exactly at a limit passes', () => {
    expect(over(['__name__', 'up'], ['instance'.slice(0, 8), '0123456789'])).toBeUndefined()
  })

  test.each([
    ['too many', over(['a', '1'], ['b', '2'], ['c', '3']), '3 labels, at most 2 (label_limit)'],
    ['a long name', over(['instances', 'a']), 'a label name of 9 characters, at most 8 (label_name_length_limit): instances'],
    ['a long value', over(['a', 'x'.repeat(11)]), 'label a is 11 characters long, at most 10 (label_value_length_limit)'],
  ])('%s is told with the limit and the setting', (_, told, expected) => expect(told).toBe(expected))

  test('what is told stays short, however long the name is', () => {
    expect(over(['n'.repeat(100_000), 'x'])!.length).toBeLessThan(200)
  })
})
