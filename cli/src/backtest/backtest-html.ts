/** A backtest as one HTML file with a plot for each series that had episodes. */
import { Html, html } from '@lapwing/reports/html'
import { reportStyle } from '@lapwing/reports/report-style'
import type { Backtest } from './backtest.ts'
import type { Comparison } from './compare.ts'
import { seriesPlot } from './series-plot.ts'
import type { BacktestSummary } from './summary.ts'
import { changesText, summaryText } from './summary-text.ts'

/** A plot is some 60 kB. */
const mostPlots = 60

/** The same backtest gives the same bytes. */
export function backtestHtml({ traces }: Backtest, summary: BacktestSummary, changes: Comparison | undefined): string {
  const order = summary.series
    .map((series, i) => ({ series, trace: traces[i]! }))
    .sort((a, b) => b.series.told - a.series.told || b.series.episodes - a.series.episodes)
  const plots = order.slice(0, mostPlots).map(({ series, trace }) => {
    const episodes = summary.episodes.filter((episode) => episode.series === series.series)
    return html`<section><h2>${series.series}</h2><p class="faint">${series.episodes} episodes, ${series.told} of them told</p>${new Html(seriesPlot(trace, episodes, summary))}</section>
`
  })
  const rest = order.length > mostPlots ? html`<p class="faint">And ${order.length - mostPlots} more series.</p>` : html``
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lapwing: backtest</title>
<style>${new Html(reportStyle)}pre{overflow-x:auto;font-size:12px;line-height:1.5}</style>
</head>
<body>
<main>
<h1>Lapwing: backtest</h1>
<p class="faint">Line: the series; of each share of the time its most anomalous sample. Blue: the band that was expected. Orange: episodes that people would have been told of; grey: held back.</p>
${plots}${rest}
<section><h2>In words</h2><pre>${new Html(escapedLines(summaryText(summary, traces) + (changes ? changesText(changes) : '')))}</pre></section>
</main>
</body>
</html>
`.text
}

/** Line breaks stay. */
function escapedLines(text: string): string {
  return text
    .split('\n')
    .map((line) => html`${line}`.text)
    .join('\n')
}
