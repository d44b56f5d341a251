/** What a report shows of accuracy beside the tables of its own time: the canary, and how the numbers changed over time. */
import type { Evaluation } from '@lapwing/evaluation/accuracy-evaluator'
import { faultRecall, type KeptEvaluation } from '@lapwing/evaluation/evaluation-history'
import { type Html, html } from './html.ts'
import { durationText, shareText } from './report-text.ts'

export function canaryTable(canary: Evaluation | undefined): Html {
  const accuracy = canary?.all.byLabels
  if (!canary || !accuracy) return html``
  const { events, eventsFound } = accuracy.counts
  const rows = canary.byFault.map(
    ({ kind, faults, found, medianDelayMs, p95DelayMs }) =>
      html`<tr><td>${kind}</td><td class="n">${faults}</td><td class="n">${found}</td><td class="n">${durationText(medianDelayMs)}</td><td class="n">${durationText(p95DelayMs)}</td></tr>
`,
  )
  const right = accuracy.precision === null ? '' : `; ${shareText(accuracy.precision)} of its episodes were one`
  const note = `Of the canary, ${eventsFound} of ${events} faults were found${right}.`
  return html`<p class="faint">${note}</p><table class="groups"><tr><th>Fault put in</th><th class="n">Faults</th><th class="n">Found</th><th class="n">Delay</th><th class="n">95 % within</th></tr>${rows}</table>`
}

/** Nothing to compare is nothing to show. */
export function trendTable(trend: readonly KeptEvaluation[]): Html {
  if (trend.length < 2) return html``
  const columns: readonly Column[] = [
    ['Precision', ({ precision }) => precision, shareText],
    ['Recall', ({ recall }) => recall, shareText],
    ['F1', ({ f1 }) => f1, shareText],
    ['Delay', ({ medianDelayMs }) => medianDelayMs, durationText],
    ['False/day', ({ falseAlarmsPerDay }) => falseAlarmsPerDay, (value) => value?.toFixed(2) ?? '–'],
    ['Right', ({ verdictPrecision }) => verdictPrecision, shareText],
    ['Canary', faultRecall, shareText],
  ]
  const rows = trend.map(
    (one) =>
      html`<tr><td>${one.name.replace(/^\w+ /, '')}</td>${columns.map(([, numberOf, textOf]) => html`<td class="n">${textOf(numberOf(one))}</td>`)}</tr>
`,
  )
  const courses = columns.map(([name, numberOf]) => html`<td class="n">${course(name, trend.map(numberOf))}</td>`)
  return html`<h3>Over time</h3><table class="groups"><tr><th></th>${columns.map(([name]) => html`<th class="n">${name}</th>`)}</tr>${rows}<tr><td class="faint">course</td>${courses}</tr></table>`
}

type Column = readonly [name: string, valueOf: (one: KeptEvaluation) => number | null, textOf: (value: number | null) => string]

const width = 64
const height = 18

/** From the least to the largest; a gap where nothing is known. */
function course(name: string, values: readonly (number | null)[]): Html {
  const known = values.filter((value) => value !== null)
  if (known.length < 2) return html``
  const [least, most] = [Math.min(...known), Math.max(...known)]
  const x = (i: number) => (2 + (i / (values.length - 1)) * (width - 4)).toFixed(1)
  const y = (value: number) => (most > least ? 2 + ((most - value) / (most - least)) * (height - 4) : height / 2).toFixed(1)
  const path = values.flatMap((value, i) =>
    value === null ? [] : [`${(values[i - 1] ?? null) === null ? 'M' : 'L'}${x(i)} ${y(value)}`],
  )
  return html`<svg class="course" viewBox="0 0 ${width} ${height}" role="img" aria-label="${name} over time"><path d="${path.join('')}" fill="none" stroke="var(--series)" stroke-width="1.5" stroke-linecap="round"/></svg>`
}
