/** Backtests of files: what they find, that they are held to the gates and labels, and that another configuration is compared. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode, encode } from '@lapwing/contracts/codec'
import type { Anomaly } from '@lapwing/contracts/records'
import { createDetectStep } from '@lapwing/detector/detect'
import { intakeRules, pollPolicy } from '@lapwing/ingestor/poll-settings'
import { configuredQueries } from '@lapwing/queries/configured-queries'
import { querySetting } from '@lapwing/queries/query-settings'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../start/all-config.ts'
import { type Backtest, backtest } from './backtest.ts'
import { backtestHtml } from './backtest-html.ts'
import { compared } from './compare.ts'
import { type CsvSource, csvSource } from './csv-source.ts'
import { gateProblems } from './gate.ts'
import { polledBatches } from './polled-batches.ts'
import { scoredRows } from './scored-rows.ts'
import { summarise } from './summary.ts'
import { summaryText } from './summary-text.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-backtest-'))
const firstMs = Date.parse('2026-03-01T00:00:00Z')
const minuteMs = 60_000
const minutes = 2 * 1440
/** Node 1 is far too high for forty minutes of the second day. */
const fault = { series: 'load{instance="node-1"}', fromMs: firstMs + 2000 * minuteMs, toMs: firstMs + 2040 * minuteMs }
const queries = configuredQueries({ metrics: [querySetting.parse('load')] })
let source: CsvSource

beforeAll(async () => {
  for (const node of [1, 2]) {
    mkdirSync(join(folder, `node-${node}`))
    writeFileSync(join(folder, `node-${node}`, 'load.csv'), csvOf(node))
  }
  source = await csvSource(folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function csvOf(node: number): string {
  const rows = Array.from({ length: minutes }, (_, minute) => {
    const atMs = firstMs + minute * minuteMs
    const noise = Math.abs((Math.sin(node * 12.9898 + minute * 78.233) * 43758.5453) % 1)
    const extra = node === 1 && atMs >= fault.fromMs && atMs < fault.toMs ? 20 : 0
    return `${atMs / 1000},${(10 + 3 * Math.sin((2 * Math.PI * minute) / 1440) + noise + extra).toFixed(4)}\n`
  })
  return `timestamp,value\n${rows.join('')}`
}

function configOf(...sets: string[]) {
  return readConfig({ set: ['ingestor.step=60s', 'ingestor.poll_interval=60s', ...sets] })
}

function run(...sets: string[]): Promise<Backtest> {
  const { firstMs: fromMs, lastMs: toMs } = source
  return backtest({ config: configOf(...sets), queries, source, fromMs, toMs, onProgress: () => {} })
}

describe('a backtest of files', () => {
  test('finds what went wrong, tells people of it, and draws it', async () => {
    const result = await run()
    const { episodes, labelled, series, samples, ...summary } = summarise(result, source.firstMs, source.lastMs, {
      toleranceMs: 2 * minuteMs,
      events: [fault],
    })
    expect(samples).toBe(2 * (minutes - 1))
    expect(series.map((one) => one.series).sort()).toEqual([fault.series, 'load{instance="node-2"}'])
    const found = episodes.find(({ series, openedAtMs }) => series === fault.series && openedAtMs >= fault.fromMs)!
    expect(found.openedAtMs).toBeLessThanOrEqual(fault.fromMs + 10 * minuteMs)
    expect(found.toldAtMs).not.toBeNull()
    expect(labelled).toMatchObject({ recall: 1, counts: { events: 1, eventsFound: 1 } })
    expect(episodes.filter(({ toldAtMs }) => toldAtMs === null).every(({ heldBy }) => heldBy !== '')).toBe(true)
    const text = summaryText({ episodes, labelled, series, samples, ...summary }, result.traces)
    expect(text).toContain('recall 1.000 (1 of 1 events)')
    expect(text).toMatch(/load\{instance="node-1"\} {2}[▁▂▃▄▅▆▇█]{24} {2}/)
  })

  test('is the same each time, and the same as the step of the service on encoded records', async () => {
    const [first, again] = [await run(), await run()]
    expect(again.anomalies).toEqual(first.anomalies)
    expect(scoredRows(again)).toBe(scoredRows(first))
    expect(first.anomalies.length).toBeGreaterThan(0)
    expect((await throughCodec()).map(({ id }) => id)).toEqual(first.anomalies.map(({ id }) => id))
  })

  test('shows what another configuration would change', async () => {
    const [now, then] = [await run(), await run('alerter.minimum_severity=critical')].map((result) =>
      summarise(result, source.firstMs, source.lastMs, undefined),
    )
    const { messages, episodes } = compared(now!, then!)
    expect(episodes).toEqual([])
    expect(messages.length).toBe(
      now!.messages.length - then!.messages.length + 2 * messages.filter(({ change }) => change === 'added').length,
    )
    expect(compared(now!, now!).messages).toEqual([])
  })

  test('is one file of HTML with plots, and the same each time', async () => {
    const [text, again] = await Promise.all(
      [await run(), await run()].map(async (result) =>
        backtestHtml(result, summarise(result, source.firstMs, source.lastMs, undefined), undefined),
      ),
    )
    expect(text).toMatch(/^<!doctype html>[\s\S]*<h2>load\{instance=&quot;node-1&quot;\}<\/h2>[\s\S]*<svg /)
    expect(text).not.toMatch(/<script|<link|<img|NaN|undefined/)
    expect(again).toBe(text)
  })

  test('is held to the gates', async () => {
    const result = await run()
    const { firstMs: fromMs, lastMs: toMs } = source
    const wrong = { toleranceMs: 0, events: [{ ...fault, series: 'load{instance="node-2"}' }] }
    const summary = summarise(result, fromMs, toMs, wrong)
    expect(gateProblems(summary, { minPrecision: 0.5, maxAlertsPerDay: 0.1 })).toEqual([
      expect.stringContaining('precision 0.000, expected at least 0.5'),
      expect.stringContaining('alerts a day, expected at most 0.1'),
    ])
    expect(gateProblems(summary, { minPrecision: 0, maxAlertsPerDay: 100 })).toEqual([])
  })
})

/** Records as they would lie on the log, through the step as the stage calls it. */
async function throughCodec(): Promise<Anomaly[]> {
  const { ingestor, detector, kafka } = configOf()
  const topics = { scoresTopic: 'scores', anomaliesTopic: 'anomalies', modelsTopic: 'models' }
  const steps = Array.from({ length: kafka.partitions }, () =>
    createDetectStep({ config: detector, ...topics, observe: () => {}, observeVerdict: () => {} }),
  )
  const { seriesName, samples, recording } = await source.open(queries[0]!, ingestor.step.ms)
  const naming = { seriesName, rules: intakeRules(ingestor), longestGapMs: ingestor.max_gap_fill.ms, known: new WeakMap() }
  const range = { fromMs: source.firstMs, toMs: source.lastMs, policy: pollPolicy(ingestor), partitions: kafka.partitions }
  const anomalies: Anomaly[] = []
  let offset = 0n
  for await (const { batches } of polledBatches([{ source: queries[0]!.source, samples, recording, naming }], range)) {
    for (const { partition, batch } of batches) {
      const value = encode('SampleBatch', batch)
      steps[partition]!.process(
        { topic: 'samples', partition, offset: offset++, timestampMs: 0, key: null, value, headers: new Map() },
        ({ topic, value }) => void (topic === 'anomalies' && anomalies.push(decode('Anomaly', value!))),
      )
    }
  }
  return anomalies
}
