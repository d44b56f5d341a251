import { seriesText } from '@lapwing/contracts/series'
import { sampleFlags } from '@lapwing/contracts/series-state'
import type { SeriesSamples } from '@lapwing/prometheus/series-samples'
import { pushRules } from '@lapwing/prometheus/testing/push-rules'
import { describe, expect, test } from 'vitest'
import { createTargetMemory, endTarget, missScrape, takeScrape } from './scraped-series.ts'

const naming = {
  labels: { job: 'shop', instance: 'a:1' },
  rules: { ...pushRules, limits: { labels: 5, nameLength: 30, valueLength: 30 } },
}

/** A target that is scraped every ten seconds, with these pages. */
function scrapes() {
  const memory = createTargetMemory()
  let atMs = 0
  const next = () => {
    atMs += 10_000
    return atMs
  }
  return {
    take: (text: string) => takeScrape(memory, { text, format: 'text' }, next(), 500, naming),
    miss: () => missScrape(memory, next(), 500, naming),
    end: () => endTarget(memory, next(), naming),
  }
}

/** `series value`, or `series stale`; without what every scrape has about itself. */
function told(series: readonly SeriesSamples[], about = false): string[] {
  return series
    .map((one) => `${seriesText(one.series.labels)} ${one.flags[0] === sampleFlags.stale ? 'stale' : one.values[0]}`)
    .filter((text) => about || !/^(up|scrape_)/.test(text))
    .map((text) => text.replace('{instance="a:1",job="shop"}', ''))
}

describe('samples of a scrape', () => {
  test('carry the labels of the target; what the page calls the same is kept under another name', () => {
    const { series } = scrapes().take('orders{shop="1",job="own"} 5\n')
    expect(told(series)).toEqual(['orders{exported_job="own",instance="a:1",job="shop",shop="1"} 5'])
  })

  test('of a counter are its rate, from the second scrape on, over a restart too', () => {
    const target = scrapes()
    const page = (value: number) => `# TYPE requests_total counter\nrequests_total ${value}\n`
    const rates = [100, 150, 150, 30].map((value) => told(target.take(page(value)).series))
    expect(rates).toEqual([[], ['requests:rate 5'], ['requests:rate 0'], ['requests:rate 3']])
  })

  test('of histograms are rates, of quantiles are values', () => {
    const target = scrapes()
    const page = (n: number) =>
      `# TYPE h histogram\nh_bucket{le="1"} ${n}\nh_count ${n}\n# TYPE s summary\ns{quantile="0.5"} ${n}\ns_sum ${n}\n`
    target.take(page(10))
    expect(told(target.take(page(20)).series)).toEqual([
      'h_bucket:rate{instance="a:1",job="shop",le="1"} 1',
      'h_count:rate 1',
      's{instance="a:1",job="shop",quantile="0.5"} 20',
      's_sum:rate 1',
    ])
  })

  test('end with a marker when their series is no longer on the page, and begin again', () => {
    const target = scrapes()
    const pages = ['a 1\nb 1\n', 'a 2\n', 'a 3\n', 'a 4\nb 4\n']
    expect(pages.map((page) => told(target.take(page).series))).toEqual([
      ['a 1', 'b 1'],
      ['a 2', 'b stale'],
      ['a 3'],
      ['a 4', 'b 4'],
    ])
  })

  test('end with markers when the target does not answer, once, and `up` is 0', () => {
    const target = scrapes()
    target.take('a 1\n')
    expect(told(target.miss(), true)).toEqual(['a stale', 'up 0', 'scrape_duration_seconds 0.5', 'scrape_samples_scraped 0'])
    expect(told(target.miss())).toEqual([])
    expect(told(target.take('a 5\n').series, true)).toEqual([
      'a 5',
      'up 1',
      'scrape_duration_seconds 0.5',
      'scrape_samples_scraped 1',
    ])
  })

  test('end when the target is gone, those about the scrape too', () => {
    const target = scrapes()
    target.take('a 1\n')
    expect(told(target.end(), true)).toEqual([
      'a stale',
      'up stale',
      'scrape_duration_seconds stale',
      'scrape_samples_scraped stale',
    ])
  })

  test('with a time of their own keep it, and come once', () => {
    const target = scrapes()
    const [first, second] = [target.take('a 1 1234\n'), target.take('a 1 1234\n')]
    expect(first.series[0]!.timestampsMs).toEqual([1234])
    expect(told(second.series)).toEqual([])
  })

  test('that are no numbers or have labels over a limit are counted and left out', () => {
    const outcome = scrapes().take(`a NaN\nb{long="${'x'.repeat(31)}"} 1\nc +Inf\nd 1\n`)
    expect(outcome).toMatchObject({ samples: 1, nonFinite: 2, left: { label_limit: 1 } })
    expect(told(outcome.series)).toEqual(['d 1'])
  })
})
