/** A report as one HTML file that needs nothing else: no script, no address, plots inside of it. The same report gives the same bytes. */
import { reasonText } from '@lapwing/alerting/reason-text'
import type { GroupEvaluation } from '@lapwing/evaluation/accuracy-evaluator'
import { canaryTable, trendTable } from './accuracy-html.ts'
import { Html, html } from './html.ts'
import type { RecordedEpisode } from './recorded-episodes.ts'
import { anomalousMs, type Report, type SeriesTrouble } from './report.ts'
import type { ReportPeriod } from './report-period.ts'
import { episodesPlot, noisePlot } from './report-plots.ts'
import { reportStyle } from './report-style.ts'
import { changeText, clockText, durationText, numberText, shareText } from './report-text.ts'

const titles = { daily: 'Day', weekly: 'Week', monthly: 'Month' } as const
const mostIncidents = 30
const mostSeries = 20
const mostGroups = 12
const mostModels = 40

export function reportHtml(report: Report): string {
  const { period } = report
  const title = `Lapwing: ${titles[period.kind]} ${period.name}`
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(reportStyle)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="faint">${clockText(period.fromMs, period.timeZone)} to ${clockText(period.toMs, period.timeZone)} ${period.timeZone}</p>
${tiles(report)}
${section('Episodes', new Html(episodesPlot(report)))}
${section('Incidents', incidents(report))}
${section('Noise that nobody got', noise(report))}
${section('How accurate it was', accuracy(report))}
${section('Alert budget', budget(report))}
${section('Worst series', worstSeries(report))}
${section('Models changed', models(report))}
${section('Coverage', coverage(report))}
</main>
</body>
</html>
`
  return text
}

function section(heading: string, body: Html): Html {
  return html`<section><h2>${heading}</h2>${body}</section>`
}

function tiles({ figures, figuresBefore, evaluation }: Report): Html {
  const { byLabels, byVerdicts } = evaluation.all
  const tile = (value: string, name: string, more: string) =>
    html`<div class="tile"><b>${value}</b>${name}<small>${more}</small></div>`
  const precision = byLabels?.precision ?? byVerdicts.precision
  return html`<div class="tiles">
${tile(String(figures.told), 'incidents told', changeText(figures.told, figuresBefore.told))}
${tile(String(figures.toldBySeverity.critical), 'of them critical', changeText(figures.toldBySeverity.critical, figuresBefore.toldBySeverity.critical))}
${tile(String(figures.spared), 'records spared', `${figures.messages} messages were sent`)}
${tile(shareText(precision), 'precision', byLabels ? 'by labels' : `by ${byVerdicts.judged} verdicts`)}
${tile(shareText(byLabels?.recall ?? null), 'recall', byLabels ? `${byLabels.counts.eventsFound} of ${byLabels.counts.events} events` : 'needs labels')}
${tile(durationText(byLabels?.medianDelayMs ?? null), 'median delay', byLabels ? `95 % within ${durationText(byLabels.p95DelayMs)}` : 'needs labels')}
</div>`
}

function incidents({ incidents: all, period }: Report): Html {
  if (all.length === 0) return html`<p class="faint">People were told of nothing.</p>`
  const rows = all.slice(0, mostIncidents).map(
    (
      one,
    ) => html`<tr><td class="t">${clockText(one.openedAtMs, period.timeZone)}</td><td class="${one.severity}">${one.severity}</td><td class="long">${one.series}</td><td class="n">${lasted(one)}</td><td class="n">${numberText(one.value)}</td><td class="n">${numberText(one.expected)}</td><td>${one.reason}</td><td class="t">${(one.verdict ?? '').replace('_', ' ')}</td></tr>
`,
  )
  const head = html`<tr><th>Opened</th><th>Severity</th><th>Series</th><th class="n">Lasted</th><th class="n">Value</th><th class="n">Expected</th><th>Why</th><th>Verdict</th></tr>`
  return html`<p class="faint">Episodes that people were told of, the worst first.</p><table>${head}${rows}</table>${more(all.length, mostIncidents)}`
}

/** An end without a word is the usual one. */
function lasted({ startedAtMs, endedAtMs, endReason }: RecordedEpisode): Html {
  if (endedAtMs === null) return html`open`
  const unusual =
    endReason === 'normal_again' || endReason === '' ? html`` : html`<br><small>${endReason.replaceAll('_', ' ')}</small>`
  return html`${durationText(endedAtMs - startedAtMs)}${unusual}`
}

function noise(report: Report): Html {
  const { noise: reasons, figures } = report
  if (reasons.length === 0) return html`<p class="faint">Nothing was held back.</p>`
  const spared = figures.spared / (figures.spared + figures.messages)
  const names = reasons.map(({ reason, records }) => `${records} ${reason} (${reasonText(reason)})`).join(', ')
  return html`<p>${shareText(spared)} of the outcomes were no message: ${names}.</p>${new Html(noisePlot(report))}`
}

function accuracy({ evaluation, canary, trend }: Report): Html {
  const { all, byRoute, byModel } = evaluation
  const note = all.byLabels
    ? 'Of what people were told. By labels: an episode that opens inside of a labelled window is right. By verdicts: of the judged episodes, those that people called confirmed or known.'
    : 'Of what people were told. Nobody wrote down when something was wrong, so what was missed is not known. By verdicts: of the judged episodes, those that people called confirmed or known are right.'
  return html`<p class="faint">${note}</p>${groupTable('', [all])}${groupTable('Route', byRoute)}${groupTable('Model', byModel)}${canaryTable(canary)}${trendTable(trend)}`
}

function groupTable(heading: string, groups: readonly GroupEvaluation[]): Html {
  if (groups.length === 0) return html``
  const rows = groups.slice(0, mostGroups).map(({ name, episodes, byLabels, byVerdicts }) => {
    const shares = [byLabels?.precision, byLabels?.recall, byLabels?.f1].map(
      (share) => html`<td class="n">${shareText(share ?? null)}</td>`,
    )
    const falseAlarms = byLabels ? byLabels.falseAlarmsPerDay.toFixed(2) : '–'
    return html`<tr><td>${name}</td><td class="n">${episodes}</td>${shares}<td class="n">${durationText(byLabels?.medianDelayMs ?? null)}</td><td class="n">${falseAlarms}</td><td class="n">${byVerdicts.judged}</td><td class="n">${shareText(byVerdicts.precision)}</td></tr>
`
  })
  const names = ['Episodes', 'Precision', 'Recall', 'F1', 'Delay', 'False/day', 'Judged', 'Right']
  return html`<table class="groups"><tr><th>${heading}</th>${names.map((name) => html`<th class="n">${name}</th>`)}</tr>${rows}</table>${more(groups.length, mostGroups)}`
}

function budget({ routes }: Report): Html {
  if (routes.length === 0) return html`<p class="faint">No route sent anything.</p>`
  const rows = routes.map(
    ({ route, alerts, ends, alertsPerDay, budgetUsed }) =>
      html`<tr><td>${route}</td><td class="n">${alerts}</td><td class="n">${ends}</td><td class="n">${alertsPerDay.toFixed(2)}</td><td class="n">${budgetUsed === null ? 'none set' : shareText(budgetUsed)}</td></tr>
`,
  )
  return html`<table><tr><th>Route</th><th class="n">Alerts</th><th class="n">Ends</th><th class="n">Alerts a day</th><th class="n">Budget used</th></tr>${rows}</table>`
}

function worstSeries({ worstSeries: all, period }: Report): Html {
  if (all.length === 0) return html`<p class="faint">No series was anomalous.</p>`
  const rows = all.slice(0, mostSeries).map(
    (
      one,
    ) => html`<tr><td class="long">${one.series}</td><td>${strip(one, period)}</td><td class="n">${durationText(one.anomalousMs)}</td><td class="n">${one.episodes.length}</td><td class="n">${one.told}</td><td class="n">${one.falseAlarms}</td></tr>
`,
  )
  const head = html`<tr><th>Series</th><th>When</th><th class="n">Anomalous</th><th class="n">Episodes</th><th class="n">Told</th><th class="n">False alarms</th></tr>`
  return html`<table>${head}${rows}</table>${more(all.length, mostSeries)}`
}

const stripWidth = 230

/** The episodes of a series along the period. */
function strip({ episodes }: SeriesTrouble, period: ReportPeriod): Html {
  const scale = stripWidth / (period.toMs - period.fromMs)
  const marks = episodes.map((episode) => {
    const x = (Math.max(episode.startedAtMs, period.fromMs) - period.fromMs) * scale
    const width = Math.max(2, anomalousMs(episode, period) * scale)
    return html`<rect x="${x.toFixed(1)}" y="2" width="${width.toFixed(1)}" height="10" fill="var(--${episode.told ? 'told' : 'held'})"/>`
  })
  return html`<svg class="strip" viewBox="0 0 ${stripWidth} 14" role="img" aria-label="${episodes.length} episodes"><line x1="0" y1="12.5" x2="${stripWidth}" y2="12.5" stroke="var(--line)"/>${marks}</svg>`
}

function models({ models: all, period }: Report): Html {
  if (all.length === 0) return html`<p class="faint">No model changed.</p>`
  const rows = all.slice(0, mostModels).map(
    ({ stateAtMs, scope, kind, state, decision }) =>
      html`<tr><td class="t">${clockText(stateAtMs, period.timeZone)}</td><td class="long">${scope}</td><td>${kind}</td><td>${state.replace('_', ' ')}</td><td class="long">${decision}</td></tr>
`,
  )
  return html`<table><tr><th>When</th><th>What</th><th>Kind</th><th>State</th><th>Why</th></tr>${rows}</table>${more(all.length, mostModels)}`
}

function coverage({ coverage: known }: Report): Html {
  if (!known) return html`<p class="faint">Not known: the reporter did not answer when this report was made.</p>`
  const rows = known.byState.map(
    ([
      state,
      series,
    ]) => html`<tr><td>${state.replaceAll('_', ' ')}</td><td class="n">${series}</td><td class="n">${shareText(known.series > 0 ? series / known.series : null)}</td></tr>
`,
  )
  return html`<p>${known.series} series were watched when this report was made.</p><table><tr><th>State</th><th class="n">Series</th><th class="n">Share</th></tr>${rows}</table>`
}

function more(all: number, shown: number): Html {
  return all > shown ? html`<p class="faint">And ${all - shown} more.</p>` : html``
}
