/** Reports of a simulated month: every number against a count of what was put in, and the file itself. */

import { evaluate } from '@lapwing/evaluation/accuracy-evaluator'
import { describe, expect, test } from 'vitest'
import { monthFromMs, monthToMs, simulatedMonth } from '../testing/simulated-month.ts'
import type { PeriodRecords } from './period-records.ts'
import { svgToPng } from './plot.ts'
import { buildReport, type ReportInput } from './report.ts'
import { reportHtml } from './report-html.ts'
import { periodAt } from './report-period.ts'
import { episodesPlot } from './report-plots.ts'

const nothing: PeriodRecords = { anomalies: [], notifications: [], feedback: [], control: [], models: [] }
const period = periodAt('monthly', Date.UTC(2026, 2, 15), 'UTC')
const month = simulatedMonth(7)
const { happenings, events } = month
const input: ReportInput = {
  period,
  records: month.records,
  recordsBefore: nothing,
  truth: { events, toleranceMs: 0 },
  budgets: [{ route: 'default', notifications: 20, perMs: 7 * 86_400_000 }],
  coverage: {
    series: 24,
    byState: [
      ['ok', 23],
      ['sparse', 1],
    ],
  },
  canary: undefined,
  history: [],
}
const report = buildReport(input)

const count = (is: (one: (typeof happenings)[number]) => boolean) => happenings.filter(is).length
const isTold = ({ outcome }: (typeof happenings)[number]) => outcome === 'told'

test('an episode that did not end because its series was normal again says so', () => {
  const told = report.incidents.find(({ endedAtMs }) => endedAtMs !== null)!
  expect(told.endReason).toBe('normal_again')
  const { anomalies } = month.records
  const isEnd = (id: string) => id === `${told.id}/end`
  const gone = {
    ...input,
    records: { ...month.records, anomalies: anomalies.map((one) => (isEnd(one.id) ? { ...one, value: Number.NaN } : one)) },
  }
  const changed = buildReport(gone)
  expect(changed.incidents.find(({ id }) => id === told.id)!.endReason).toBe('series_gone')
  const uses = (html: string) => html.split('series gone').length - 1
  expect(uses(reportHtml({ ...report, incidents: [told] }))).toBe(0)
  expect(uses(reportHtml({ ...changed, incidents: changed.incidents.filter(({ id }) => id === told.id) }))).toBe(1)
})

describe('accuracy over time', () => {
  const kept = (name: string, toMs: number, precision: number | null) => ({
    ...report.trend[0]!,
    ...{ name, toMs, precision, fromMs: toMs - 28 * 86_400_000, faults: 20, faultsFound: 18 },
  })
  const history = [
    kept('monthly 2026-01', period.fromMs - 28 * 86_400_000, 0.5),
    kept('monthly 2026-02', period.fromMs, null),
    kept('weekly 2026-W09', period.fromMs, 0.9),
    kept('monthly 2026-04', period.toMs + 30 * 86_400_000, 0.1),
  ]

  test('is that of the reports of this kind up to this one, whatever was kept since', () => {
    const { trend } = buildReport({ ...input, history })
    expect(trend.map(({ name }) => name)).toEqual(['monthly 2026-01', 'monthly 2026-02', 'monthly 2026-03'])
    expect(trend[2]).toMatchObject({ precision: report.evaluation.all.byLabels!.precision, faults: 0 })
  })

  test('is shown as a table with the course of each number, and not at all for the first', () => {
    const text = reportHtml(buildReport({ ...input, history }))
    expect(text).toContain('<h3>Over time</h3>')
    expect(text).toMatch(/<td>2026-01<\/td><td class="n">50 %<\/td>/)
    expect(text).toContain('aria-label="Precision over time"')
    expect(reportHtml(report)).not.toContain('Over time')
  })

  test('has the canary by kind of fault, where there is one', () => {
    const faults = events.map((event) => ({ ...event, kind: 'jump' }))
    const canary = evaluate({
      fromMs: period.fromMs,
      toMs: period.toMs,
      episodes: [],
      verdicts: new Map(),
      truth: { events: faults, toleranceMs: 0 },
    })
    const text = reportHtml(buildReport({ ...input, canary }))
    expect(text).toContain(`Of the canary, 0 of ${events.length} faults were found`)
    expect(text).toMatch(/<td>jump<\/td><td class="n">\d+<\/td><td class="n">0<\/td>/)
  })
})

describe('the report of a simulated month', () => {
  test('has enough in it to be worth counting', () => {
    expect(happenings.length).toBeGreaterThan(80)
    expect(happenings.some(({ toMs }) => toMs === null)).toBe(true)
  })

  test('counts episodes, incidents and messages', () => {
    const records = (one: (typeof happenings)[number]) => (one.toMs === null ? 1 : 2)
    const sum = (is: typeof isTold) => happenings.filter(is).reduce((total, one) => total + records(one), 0)
    expect(report.figures).toEqual({
      episodes: happenings.length,
      told: count(isTold),
      toldBySeverity: {
        info: 0,
        warning: count((one) => isTold(one) && one.severity === 'warning'),
        critical: count((one) => isTold(one) && one.severity === 'critical'),
      },
      messages: sum(isTold),
      spared: sum((one) => !isTold(one)),
      series: new Set(happenings.map(({ series }) => series)).size,
    })
    expect(report.incidents).toHaveLength(count(isTold))
    for (const { reason, records: found } of report.noise) expect(found).toBe(sum(({ outcome }) => outcome === reason))
    expect(report.noise.reduce((total, { records: found }) => total + found, 0)).toBe(report.figures.spared)
  })

  test('knows how accurate what people were told was, by the labels', () => {
    const told = happenings.filter(isTold)
    const right = told.filter(({ isReal }) => isReal)
    const found = events.filter((event) => right.some(({ series, fromMs }) => series === event.series && fromMs === event.fromMs))
    const delays = right.map(({ fromMs, openedAtMs }) => openedAtMs - fromMs).sort((a, b) => a - b)
    const [precision, recall] = [right.length / told.length, found.length / events.length]
    const { byLabels } = report.evaluation.all
    expect(byLabels!.precision).toBeCloseTo(precision, 12)
    expect(byLabels!.recall).toBeCloseTo(recall, 12)
    expect(byLabels!.f1).toBeCloseTo(2 / (1 / precision + 1 / recall), 12)
    expect(byLabels!.medianDelayMs).toBe(delays[Math.ceil(delays.length / 2) - 1])
    expect(byLabels!.falseAlarmsPerDay).toBeCloseTo((told.length - right.length) / 31, 12)
  })

  test('knows what people said, by route and model', () => {
    for (const { name, episodes, byVerdicts } of report.evaluation.byRoute) {
      const judged = happenings.filter(({ route, verdict }) => route === name && verdict)
      expect(episodes).toBe(count((one) => isTold(one) && one.route === name))
      expect(byVerdicts).toMatchObject({ judged: judged.length, right: judged.filter(({ isReal }) => isReal).length })
    }
    expect(report.evaluation.byModel.map(({ name, episodes }) => [name, episodes]).sort()).toEqual(
      ['online-2/new', 'online-2/old'].map((name) => [name, count((one) => isTold(one) && one.model === name)]),
    )
  })

  test('holds the routes to their budgets', () => {
    const messages = month.records.notifications.filter(({ outcome, route }) => outcome === 'delivered' && route === 'default')
    const route = report.routes.find((one) => one.route === 'default')!
    expect(route.budgetUsed).toBeCloseTo(messages.length / (20 * (31 / 7)), 12)
    expect(route.alertsPerDay).toBeCloseTo(messages.filter(({ state }) => state === 'firing').length / 31, 12)
    expect(report.routes.find((one) => one.route === 'night')!.budgetUsed).toBeNull()
  })

  test('knows how long each series was in trouble, minute by minute', () => {
    for (const { series, anomalousMs } of report.worstSeries) {
      const own = happenings.filter((one) => one.series === series)
      let minutes = 0
      for (let atMs = monthFromMs; atMs < monthToMs; atMs += 60_000) {
        if (own.some(({ fromMs, toMs }) => atMs >= fromMs && atMs < (toMs ?? Number.POSITIVE_INFINITY))) minutes++
      }
      expect(Math.abs(anomalousMs / 60_000 - minutes)).toBeLessThanOrEqual(own.length)
    }
  })
})

describe('the file of a report', () => {
  test('is the same each time, and its picture too', () => {
    expect(reportHtml(buildReport({ ...input, records: simulatedMonth(7).records }))).toBe(reportHtml(report))
    expect(svgToPng(episodesPlot(report)).equals(svgToPng(episodesPlot(report)))).toBe(true)
  })

  test('needs nothing else: no script, no address but the names of XML', () => {
    const text = reportHtml(report)
    expect(text).not.toMatch(/<script|<link|<img|@import|url\(|javascript:/i)
    expect(
      [...text.matchAll(/https?:\/\/[^"\s<]+/g)]
        .map(([address]) => address)
        .filter((address) => !address.startsWith('http://www.w3.org/')),
    ).toEqual([])
  })

  test('shows what strangers put into labels as text', () => {
    const hostile = '</td><script>alert(1)</script>\u202e"'
    const labels = [{ name: '__name__', value: hostile }]
    const anomalies = month.records.anomalies.map((anomaly) => ({ ...anomaly, labels }))
    const text = reportHtml(buildReport({ ...input, records: { ...month.records, anomalies } }))
    expect(text).not.toContain('<script')
    expect(text).not.toContain('\u202e')
    expect(text).toContain('&lt;script&gt;')
  })

  test('of a period without anything says so', () => {
    const text = reportHtml(buildReport({ ...input, records: nothing, truth: undefined, budgets: [], coverage: undefined }))
    for (const words of [
      'People were told of nothing',
      'Nothing was held back',
      'No route sent anything',
      'No model changed',
      'Not known',
    ])
      expect(text).toContain(words)
  })

  test('a picture is a PNG of twice the size', () => {
    const png = svgToPng(episodesPlot(report))
    expect(png.subarray(1, 4).toString()).toBe('PNG')
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1720, 440])
  })
})
