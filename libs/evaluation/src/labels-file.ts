/**
 * The file in which people write down when something was wrong: windows of time by series, as YAML or JSON.
 *
 *     tolerance: 2m
 *     labels:
 *       - series: node_load1{instance="node-1:9100"}
 *         from: 2026-03-01T10:00:00Z
 *         to: 2026-03-01T10:30:00Z
 *         note: runaway backup
 *         kind: jump
 *
 * A series is written as Prometheus writes it, labels in any order; `series: "*"` is every series. `kind` names the fault where one was put in, so that each kind is counted by itself. What is wrong with the file is said with
 * file, line and key: a window that ends before it begins, two windows of a series that overlap, a series that is not there.
 */
import { type LabelSet, seriesText, sortedLabels } from '@lapwing/contracts/series'
import { loadFile } from '@lapwing/service/config'
import { duration } from '@lapwing/service/config-fields'
import { z } from 'zod'
import type { TrueEvent } from './event-accuracy.ts'

export interface LabelFile {
  /** How far outside of a window an episode may open and still be right. */
  readonly toleranceMs: number
  /** Of the series by their text; of a file that says `*`, one window for each series that is known. */
  readonly events: readonly TrueEvent[]
}

/**
 * Throws ConfigError.
 *
 * @param known texts of the series that there are; undefined when nobody knows yet: then every name will do
 */
export function readLabels(file: string, known: readonly string[] | undefined): LabelFile {
  const { tolerance, labels } = loadFile(labelsSchema(known), file)
  const events = labels.flatMap(({ series, from: fromMs, to: toMs, kind }) =>
    (series === everySeries ? (known ?? []) : [series]).map((text) => ({ series: text, fromMs, toMs, kind })),
  )
  return { toleranceMs: tolerance.ms, events }
}

const everySeries = '*'

const moment = z.union([z.string(), z.date()]).transform((written, context): number => {
  const ms = typeof written === 'string' ? Date.parse(written) : written.getTime()
  if (Number.isNaN(ms)) context.addIssue({ code: 'custom', message: 'expected a time such as 2026-03-01T10:00:00Z' })
  return ms
})

const labelSchema = z.strictObject({
  series: z.string().transform((text) => writtenSeries(text) ?? text),
  from: moment,
  to: moment,
  note: z.string().optional(),
  kind: z.string().min(1).max(50).optional(),
})

type Label = z.output<typeof labelSchema>

function labelsSchema(known: readonly string[] | undefined) {
  const there = known && new Set(known)
  return z
    .strictObject({ tolerance: duration(0).prefault('0s'), labels: z.array(labelSchema).min(1) })
    .superRefine(({ labels }, context) => {
      const complain = (path: PropertyKey[], message: string) =>
        context.addIssue({ code: 'custom', path: ['labels', ...path], message })
      labels.forEach((label, i) => {
        if (label.to <= label.from) complain([i, 'to'], 'expected a time after "from"')
        const overlapped = labels.findIndex((other, j) => j < i && overlap(other, label))
        if (overlapped >= 0)
          complain(
            [i, 'from'],
            `expected windows of a series that do not overlap: this one and the ${ordinal(overlapped + 1)} do`,
          )
        if (there && label.series !== everySeries && !there.has(label.series))
          complain([i, 'series'], `expected a series that there is${nearest(label.series, known!)}`)
      })
    })
}

function overlap(a: Label, b: Label): boolean {
  const same = a.series === b.series || a.series === everySeries || b.series === everySeries
  return same && a.from <= b.to && b.from <= a.to
}

/** The first of the same metric, as a hint. */
function nearest(text: string, known: readonly string[]): string {
  const nameOf = (series: string) => series.split('{', 1)[0]
  const near = known.find((series) => nameOf(series) === nameOf(text)) ?? known[0]
  return near === undefined ? '' : `, such as ${near}`
}

function ordinal(number: number): string {
  return `${number}${['th', 'st', 'nd', 'rd'][number % 100 > 10 && number % 100 < 14 ? 0 : number % 10] ?? 'th'}`
}

/** The series in the way in which it is written everywhere; undefined when it is none, or named after a PromQL with braces of its own. */
function writtenSeries(text: string): string | undefined {
  const labels = parseSeries(text.trim())
  return labels && seriesText(labels)
}

function parseSeries(text: string): LabelSet | undefined {
  const [, name, , inside] = /^([^{}"]*)(\{(.*)\})?$/s.exec(text) ?? []
  if (name === undefined) return undefined
  const pairs: [string, string][] = name === '' ? [] : [['__name__', name]]
  let rest = inside?.trim() ?? ''
  while (rest !== '') {
    const [pair, label, value] = /^\s*([^\s=",{}]+)\s*=\s*("(?:[^"\\]|\\.)*")\s*,?/s.exec(rest) ?? []
    if (pair === undefined) return undefined
    pairs.push([label!, unquoted(value!)])
    rest = rest.slice(pair.length).trim()
  }
  return pairs.length > 0 ? sortedLabels(pairs) : undefined
}

/** As JSON has it, which is how `seriesText` writes it. */
function unquoted(text: string): string {
  try {
    return JSON.parse(text)
  } catch {
    return text.slice(1, -1)
  }
}
