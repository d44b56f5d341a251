/** A backtest for a terminal, and the same as JSON. */
import { reasonText } from '@lapwing/alerting/reason-text'
import { durationText, shareText } from '../terminal/number-text.ts'
import { sparkline } from '../terminal/sparkline.ts'
import { type Column, jsonLine, textTable } from '../terminal/text-table.ts'
import type { Comparison } from './compare.ts'
import type { ScoreTrace } from './score-traces.ts'
import type { BacktestSummary, LabelledSummary } from './summary.ts'
import type { ToldEpisode } from './told-episodes.ts'

const seriesColumns: readonly Column[] = [
  { heading: 'SERIES', align: 'left', maxCharacters: 60 },
  { heading: 'TREND', align: 'left' },
  { heading: 'SAMPLES', align: 'right' },
  { heading: 'ANOMALOUS', align: 'right' },
  { heading: 'PEAK', align: 'right' },
  { heading: 'EPISODES', align: 'right' },
  { heading: 'TOLD', align: 'right' },
]
const episodeColumns: readonly Column[] = [
  { heading: 'OPENED', align: 'left' },
  { heading: 'LASTED', align: 'right' },
  { heading: 'SEVERITY', align: 'left' },
  { heading: 'SERIES', align: 'left', maxCharacters: 60 },
  { heading: 'VALUE', align: 'right' },
  { heading: 'EXPECTED', align: 'right' },
  { heading: 'WHY', align: 'left' },
  { heading: 'PEOPLE', align: 'left' },
]
const sparklineCharacters = 24
/** Rows of a table on a terminal; everything is in the JSON. */
const mostRows = 40

export function summaryText(summary: BacktestSummary, traces: readonly ScoreTrace[]): string {
  const { fromMs, toMs, episodes } = summary
  const order = summary.series
    .map((series, i) => ({ series, trace: traces[i]! }))
    .sort((a, b) => b.series.episodes - a.series.episodes)
  const rows = order
    .slice(0, mostRows)
    .map(({ series, trace }) => [
      series.series,
      sparkline(trace, { fromMs, toMs, width: sparklineCharacters }),
      String(series.samples),
      percent(series.anomalousShare),
      series.peakScore.toPrecision(3),
      String(series.episodes),
      String(series.told),
    ])
  return [
    textTable(seriesColumns, rows),
    more(order.length, 'series'),
    episodes.length > 0 ? `\n${textTable(episodeColumns, episodes.slice(0, mostRows).map(episodeRow))}` : '\n',
    more(episodes.length, 'episodes'),
    `\n${totalText(summary)}`,
  ].join('')
}

function totalText({
  fromMs,
  toMs,
  samples,
  series,
  episodes,
  messages,
  alertsPerDay,
  suppressed,
  labelled,
}: BacktestSummary): string {
  const held = suppressed.map(([reason, records]) => `${records} ${reason} (${reasonText(reason)})`).join(', ')
  return [
    `${clock(fromMs)} to ${clock(toMs)}: ${samples} samples of ${series.length} series, ${episodes.length} episodes.\n`,
    `People would have got ${messages.length} messages, ${alertsPerDay.toFixed(2)} alerts a day.\n`,
    held === '' ? '' : `Records held back: ${held}.\n`,
    labelled ? labelledText(labelled) : '',
  ].join('')
}

function labelledText({ precision, recall, f1, counts, medianDelayMs, falseAlarmsPerDay }: LabelledSummary): string {
  const delay = medianDelayMs === null ? '' : `, median delay ${durationText(medianDelayMs)}`
  return (
    `By the labels: precision ${shareText(precision)} (${counts.episodesRight} of ${counts.episodes} told episodes), ` +
    `recall ${shareText(recall)} (${counts.eventsFound} of ${counts.events} events), F1 ${shareText(f1)}${delay}, ` +
    `${falseAlarmsPerDay.toFixed(2)} false alarms a day.\n`
  )
}

function episodeRow(episode: ToldEpisode): string[] {
  const { openedAtMs, startedAtMs, endedAtMs, severity, series, value, lower, upper, reasons, toldAtMs, heldBy } = episode
  return [
    clock(openedAtMs),
    endedAtMs === null ? 'open' : durationText(endedAtMs - startedAtMs),
    severity,
    series,
    number(value),
    `${number(lower)}..${number(upper)}`,
    reasons[0] ?? '',
    toldAtMs === null ? `not told: ${heldBy}` : 'told',
  ]
}

export function changesText({ now, then, messages, episodes }: Comparison): string {
  const head = `\nCompared: ${then.episodes.length} episodes instead of ${now.episodes.length}, ${then.messages.length} messages instead of ${now.messages.length}.\n`
  const rows = messages.map(({ change, atMs, state, severity, route, series }) => [
    change === 'added' ? '+' : '-',
    ...[clock(atMs), state, severity, route, series.join(', ')],
  ])
  const columns: Column[] = [
    { heading: '', align: 'left' },
    { heading: 'TIME', align: 'left' },
    { heading: 'STATE', align: 'left' },
    { heading: 'SEVERITY', align: 'left' },
    { heading: 'ROUTE', align: 'left', maxCharacters: 20 },
    { heading: 'SERIES', align: 'left', maxCharacters: 80 },
  ]
  if (rows.length === 0) return `${head}No message differs${episodes.length > 0 ? `, ${episodes.length} episodes do` : ''}.\n`
  return `${head}\n${textTable(columns, rows.slice(0, mostRows))}${more(rows.length, 'messages')}`
}

/** Everything, as one line. */
export function summaryJson({ suppressed, ...summary }: BacktestSummary, changes: Comparison | undefined): string {
  return jsonLine({
    ...summary,
    suppressed: Object.fromEntries(suppressed),
    ...(changes && { changes: { messages: changes.messages, episodes: changes.episodes } }),
  })
}

function more(all: number, what: string): string {
  return all > mostRows ? `… and ${all - mostRows} more ${what}; --json has all\n` : ''
}

function clock(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`
}

function number(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : '-'
}
