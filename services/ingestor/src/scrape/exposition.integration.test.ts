/** The pages of real exporters, read as Prometheus itself reads them: the same series, and the same values where they do not change. */
import { seriesText } from '@lapwing/contracts/series'
import { freePort } from '@lapwing/kafka-server/free-port'
import { acceptedFormats, formatOf, parseExposition, seriesLabels } from '@lapwing/prometheus/exposition'
import { createQueryClient } from '@lapwing/prometheus/query-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../../../test/eventually.ts'
import { missingPrograms, type Server, startNodeExporter, startPrometheus } from '../../../../test/servers.ts'

const missing = missingPrograms(['prometheus', 'nodeExporter'])
if (missing.length > 0) console.warn(`skipped: ${missing.join(', ')} not installed`)
const never = new AbortController().signal

describe.skipIf(missing.length > 0)('a page of a real exporter', () => {
  const servers: Server[] = []
  const pages = new Map<string, string>()
  const watchers = new Map<string, string>()
  beforeAll(async () => {
    const exporter = await startNodeExporter()
    const ofExporter = await startPrometheus(await freePort(), exporter.url)
    const ofPrometheus = await startPrometheus(await freePort(), ofExporter.url)
    servers.push(exporter, ofExporter, ofPrometheus)
    pages.set('node exporter', exporter.url).set('Prometheus', ofExporter.url)
    watchers.set('node exporter', ofExporter.url).set('Prometheus', ofPrometheus.url)
  })
  afterAll(async () => {
    for (const server of servers.reverse()) await server.stop()
  })

  test.each([
    ['node exporter', acceptedFormats],
    ['Prometheus', 'text/plain;version=0.0.4'],
  ])('of %s, asked for %s', async (name, accept) => {
    const client = createQueryClient({ url: watchers.get(name)!, timeoutMs: 5000 })
    const theirs = await eventually(
      async () => {
        const [page, series] = [await readPage(pages.get(name)!, accept), await client.query('{job="node"}', Date.now(), never)]
        const known = new Map(series.map(({ labels, values }) => [textOf(labels), values[0]!]))
        for (const own of ownSeries) for (const text of known.keys()) if (text.startsWith(own)) known.delete(text)
        // A series that was born between the scrape and our reading is in one of them only.
        return known.size > 100 && sameKeys(page.values, known) && { page, known }
      },
      { what: 'both have the same series', deadlineMs: 30_000 },
    )
    const equal = [...theirs.known].filter(([text, value]) => Object.is(theirs.page.values.get(text), value))
    expect(equal.length).toBeGreaterThan(theirs.known.size / 2)
    expect(theirs.page.counters.filter((text) => text.includes('_total')).length).toBeGreaterThan(5)
  })
})

/** What Prometheus adds of its own. */
const ownSeries = ['up', 'scrape_duration_seconds', 'scrape_samples_', 'scrape_series_added']

async function readPage(url: string, accept: string) {
  const response = await fetch(`${url}/metrics`, { headers: { accept } })
  const format = formatOf(response.headers.get('content-type'))
  const values = new Map<string, number>()
  const counters: string[] = []
  parseExposition(await response.text(), format, ({ series, value, isCounter }) => {
    const text = textOf(seriesLabels(series))
    values.set(text, value)
    if (isCounter) counters.push(text)
  })
  return { values, counters }
}

function textOf(labels: ReturnType<typeof seriesLabels>): string {
  return seriesText(labels.filter(({ name }) => name !== 'job' && name !== 'instance'))
}

function sameKeys(ours: ReadonlyMap<string, unknown>, theirs: ReadonlyMap<string, unknown>): boolean {
  return ours.size === theirs.size && [...ours.keys()].every((key) => theirs.has(key))
}
