import { sortedLabels } from '@lapwing/contracts/series'
import { describe, expect, test } from 'vitest'
import type { SeriesView } from './projection.ts'
import { SearchProblem, seriesSearch } from './series-search.ts'

const view = (name: string, labels: Record<string, string>) =>
  ({ text: name, labels: sortedLabels([['__name__', name], ...Object.entries(labels)]) }) as SeriesView
const all = [
  view('up', { job: 'shop', instance: 'a:1' }),
  view('up', { job: 'db', instance: 'b:1', quote: 'a"b' }),
  view('requests', { job: 'shop' }),
]
const found = (text: string) => all.filter(seriesSearch(text)).map((one) => all.indexOf(one))

describe('search for series', () => {
  test.each([
    ['', [0, 1, 2]],
    ['UP', [0, 1]],
    ['up{}', [0, 1]],
    ['{job="shop"}', [0, 2]],
    [' up { job = "shop" , } ', [0]],
    ['{job!="shop"}', [1]],
    ['{job=~"s.*"}', [0, 2]],
    ['{job!~"s.*"}', [1]],
    ['{instance=""}', [2]],
    ['{quote="a\\"b"}', [1]],
    ["{quote='a\"b'}", [1]],
    ['{__name__="requests",job=~"shop|db"}', [2]],
    ['{__proto__=""}', [0, 1, 2]],
  ])('%s', (text, expected) => {
    expect(found(text)).toEqual(expected)
  })

  test.each([
    ['up{job="shop"', /not closed/],
    ['up{job=shop}', /at job=shop/],
    ['up{job="a" instance="b"}', /at job="a" instance="b"/],
    ['{job=~"("}', /parenthes|missing/i],
  ])('%s is refused in words', (text, why) => {
    expect(() => seriesSearch(text)).toThrow(SearchProblem)
    expect(() => seriesSearch(text)).toThrow(why)
  })
})
