/** `lapwing backtest`: puts the parts together, shows the progress, and writes what was asked for. */
import { writeFileSync } from 'node:fs'
import { readLabels } from '@lapwing/evaluation/labels-file'
import { prometheusClient } from '@lapwing/ingestor/prometheus-client'
import { QueryError } from '@lapwing/prometheus/query-errors'
import { type ConfiguredQuery, configuredQueries } from '@lapwing/queries/configured-queries'
import { querySetting } from '@lapwing/queries/query-settings'
import { createProgress } from '../progress.ts'
import { type AllConfig, readConfig } from '../start/all-config.ts'
import { UserError } from '../user-error.ts'
import { type Backtest, backtest, type SeriesSource } from './backtest.ts'
import { type Comparison, compared } from './compare.ts'
import { csvSource } from './csv-source.ts'
import { gateProblems } from './gate.ts'
import { prometheusSource } from './prometheus-source.ts'
import { readMoment } from './read-range.ts'
import { refusedQuery } from './refused-query.ts'
import { scoredRows } from './scored-rows.ts'
import { type BacktestSummary, summarise } from './summary.ts'
import { changesText, summaryJson, summaryText } from './summary-text.ts'

export interface BacktestFlags {
  readonly query: readonly string[]
  readonly from?: string
  readonly to?: string
  readonly prometheus?: string
  readonly csv?: string
  readonly step?: string
  readonly config?: string
  readonly profile?: string
  readonly set: readonly string[]
  readonly labels?: string
  readonly compare?: string
  readonly json: boolean
  readonly exportCsv?: string
  readonly html?: string
  readonly png?: string
  readonly minPrecision?: number
  readonly maxAlertsPerDay?: number
}

/** Whether every gate was passed. Rejects with a UserError or ConfigError for what the user can put right. */
export async function runBacktest(flags: BacktestFlags): Promise<boolean> {
  if (flags.minPrecision !== undefined && !flags.labels)
    throw new UserError('--min-precision: expected --labels beside it, to know what is right')
  if (flags.csv && flags.prometheus) throw new UserError('--csv, --prometheus: expected one of them')
  if (flags.labels) readLabels(flags.labels, undefined)
  const setup = await openRange(flags)
  const run = (file: string | undefined, label: string) => judged(flags, file, setup, label)
  const [now, then] = [await run(flags.config, 'replaying'), flags.compare ? await run(flags.compare, 'comparing') : undefined]
  const changes = then && compared(now.summary, then.summary)
  const { summary, result } = now
  process.stdout.write(
    flags.json ? summaryJson(summary, changes) : summaryText(summary, result.traces) + (changes ? changesText(changes) : ''),
  )
  if (flags.exportCsv) writeFileSync(flags.exportCsv, scoredRows(result))
  if (flags.html || flags.png) await draw(flags, now, changes)
  const problems = gateProblems(summary, flags)
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  return problems.length === 0
}

/** Loaded only here: what draws takes a while to load. */
async function draw({ html, png }: BacktestFlags, { result, summary }: Judged, changes: Comparison | undefined): Promise<void> {
  const [{ backtestHtml }, { mostTold, seriesPlot }, { svgToPng }] = await Promise.all([
    import('./backtest-html.ts'),
    import('./series-plot.ts'),
    import('@lapwing/reports/plot'),
  ])
  if (html) writeFileSync(html, backtestHtml(result, summary, changes))
  const worst = mostTold(result, summary)
  if (png) writeFileSync(png, svgToPng(seriesPlot(worst.trace, worst.episodes, summary)))
}

interface Range {
  readonly source: SeriesSource
  readonly fromMs: number
  readonly toMs: number
  readonly stepMs: number | undefined
}

async function openRange(flags: BacktestFlags): Promise<Range> {
  const config = readSettings(flags, flags.config, undefined)
  const nowMs = Date.now()
  if (flags.csv) {
    const source = await csvSource(flags.csv)
    const stepMs = flags.step ? undefined : source.usualStepMs
    const fromMs = flags.from ? readMoment(flags.from, '--from', nowMs) : source.firstMs
    return checkedRange({ source, stepMs, fromMs, toMs: flags.to ? readMoment(flags.to, '--to', nowMs) : source.lastMs })
  }
  const url = flags.prometheus ?? config.ingestor.prometheus_url
  if (!url) throw new UserError('No Prometheus to ask: give --prometheus URL, set PROMETHEUS_URL, or give --csv FOLDER.')
  if (!URL.canParse(url)) throw new UserError(`--prometheus: expected an address such as http://prometheus:9090, found ${url}`)
  const toMs = readMoment(flags.to ?? 'now', '--to', nowMs)
  const source = prometheusSource(prometheusClient(url, config.ingestor), toMs)
  return checkedRange({ source, stepMs: undefined, fromMs: readMoment(flags.from ?? '-7d', '--from', nowMs), toMs })
}

function checkedRange(range: Range): Range {
  if (range.toMs > range.fromMs) return range
  const [from, to] = [range.fromMs, range.toMs].map((ms) => new Date(ms).toISOString())
  throw new UserError(`--from, --to: expected an end after the beginning, found ${from} to ${to}`)
}

interface Judged {
  readonly summary: BacktestSummary
  readonly result: Backtest
}

async function judged(flags: BacktestFlags, file: string | undefined, range: Range, label: string): Promise<Judged> {
  const config = readSettings(flags, file, range.stepMs)
  const { source, fromMs, toMs } = range
  const progress = createProgress({ label, total: 1, stream: process.stderr, now: () => performance.now() })
  const queries = queriesOf(flags, config)
  try {
    const result = await backtest({ config, queries, source, fromMs, toMs, onProgress: (done) => progress.update(done) })
    if (result.traces.length === 0)
      throw new UserError(`No samples between ${new Date(fromMs).toISOString()} and ${new Date(toMs).toISOString()}.`)
    const labels = flags.labels
      ? readLabels(
          flags.labels,
          result.traces.map(({ text }) => text),
        )
      : undefined
    return { result, summary: summarise(result, fromMs, toMs, labels) }
  } catch (error) {
    throw error instanceof QueryError ? refusedQuery(error) : error
  } finally {
    progress.end()
  }
}

function readSettings(
  { profile, set, step }: BacktestFlags,
  file: string | undefined,
  usualStepMs: number | undefined,
): AllConfig {
  const stepText = step ?? (usualStepMs === undefined ? undefined : `${usualStepMs}ms`)
  const sets = stepText === undefined ? set : [...set, `ingestor.step=${stepText}`, `ingestor.poll_interval=${stepText}`]
  return readConfig({ ...(file && { config: file }), ...(profile && { profile }), set: sets })
}

/** A query that the configuration knows keeps what the configuration says of it. */
function queriesOf({ query: asked, csv }: BacktestFlags, { ingestor }: AllConfig): readonly ConfiguredQuery[] {
  const known = configuredQueries(ingestor)
  if (asked.length === 0) return csv ? configuredQueries({ metrics: [querySetting.parse('csv')] }) : known
  const own = configuredQueries({ metrics: asked.map((promql) => querySetting.parse(promql)) })
  return own.map((query) => known.find(({ id, name }) => id === query.id || name === query.promql) ?? query)
}
