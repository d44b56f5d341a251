/**
 * What a version is trained on and what it is judged by, cut from the history of its entity. Pure.
 *
 * The oldest and the newest stretch are held back from training. Channels are the series that are there most of the time, the most complete first.
 * Incidents that people confirmed are taken out of training: a model must not learn them as normal.
 */
import { createHash } from 'node:crypto'
import type { Label } from '@lapwing/contracts/records'
import type { Rows } from '@lapwing/deep/rows'
import { type HeldBack, type MeanSpans, meanSpans } from '@lapwing/models/validation'
import type { SeriesHistory } from './entity-history.ts'

/** Time that a person said was an incident. */
export interface Incident {
  readonly fromMs: number
  readonly toMs: number
}

export interface DataRequest {
  readonly history: readonly SeriesHistory[]
  readonly fromMs: number
  readonly stepMs: number
  readonly heldBackRows: number
  readonly maxChannels: number
  readonly incidents: readonly Incident[]
  /** Channels of the model in force, which are part of the rows that both are judged on. */
  readonly otherChannels: readonly string[]
}

export interface TrainingData {
  /** Inputs of the candidate. */
  readonly channels: readonly string[]
  readonly training: Rows
  /** Columns of the rows to judge on: the candidate's, then others. */
  readonly judgedChannels: readonly string[]
  readonly oldest: HeldBack
  readonly newest: HeldBack
  /** Of the judged channels, before `newest`. */
  readonly usual: MeanSpans
  /** Labels that all series share. */
  readonly labels: readonly Label[]
  /** Of the training rows. */
  readonly dataHash: string
}

/** There is too little to learn from; the message says what was found and what is needed. */
export class TooLittleDataError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'TooLittleDataError'
  }
}

/** Of its rows a channel has to be observed in. */
const leastObserved = 0.8
/** Training rows beside the stretches that are held back, in stretches. */
const leastTrainingStretches = 2
/** The longest window wants ten times its rows. */
const leastTrainingRows = 200

/** Throws a TooLittleDataError. */
export function prepareData(request: DataRequest): TrainingData {
  const { history, heldBackRows, fromMs, stepMs } = request
  const length = history[0]?.values.length ?? 0
  const first = firstObservedRow(history, length)
  const count = length - first
  const needed = 2 * heldBackRows + Math.max(leastTrainingRows, leastTrainingStretches * heldBackRows)
  if (count < needed) throw new TooLittleDataError(`${count} rows of history, expected at least ${needed}`)
  const chosen = chooseChannels(history, first, request.maxChannels)
  if (chosen.length === 0)
    throw new TooLittleDataError(`none of ${history.length} series is observed in ${leastObserved * 100} % of the rows`)
  const others = history.filter(({ name }) => request.otherChannels.includes(name) && !chosen.some((one) => one.name === name))
  const judged = [...chosen, ...others]
  const incidents = incidentRows(request, first, count)
  const end = length - heldBackRows
  const training = rowsOf(chosen, first + heldBackRows, end)
  blank(training, incidents.subarray(heldBackRows, count - heldBackRows))
  return {
    channels: chosen.map(({ name }) => name),
    training,
    judgedChannels: judged.map(({ name }) => name),
    oldest: { rows: rowsOf(judged, first, first + heldBackRows), incidents: incidents.slice(0, heldBackRows) },
    newest: { rows: rowsOf(judged, end, length), incidents: incidents.slice(count - heldBackRows) },
    usual: meanSpans(rowsOf(judged, first, end), heldBackRows),
    labels: sharedLabels(chosen),
    dataHash: hashOf(chosen, training, fromMs, stepMs),
  }
}

function firstObservedRow(history: readonly SeriesHistory[], length: number): number {
  for (let row = 0; row < length; row++) if (history.some(({ values }) => Number.isFinite(values[row]!))) return row
  return length
}

function chooseChannels(history: readonly SeriesHistory[], first: number, maxChannels: number): SeriesHistory[] {
  const counted = history.map((series) => ({ series, observed: observedShare(series.values, first) }))
  const complete = counted.filter(({ observed }) => observed >= leastObserved)
  const ranked = complete.sort((a, b) => b.observed - a.observed || (a.series.name < b.series.name ? -1 : 1))
  const chosen = ranked.slice(0, maxChannels).map(({ series }) => series)
  return chosen.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function observedShare(values: Float64Array, first: number): number {
  let observed = 0
  for (let row = first; row < values.length; row++) if (Number.isFinite(values[row]!)) observed++
  return observed / (values.length - first)
}

function rowsOf(series: readonly SeriesHistory[], from: number, to: number): Rows {
  const channels = series.length
  const values = new Float64Array((to - from) * channels)
  for (let channel = 0; channel < channels; channel++) {
    const column = series[channel]!.values
    for (let row = from; row < to; row++) values[(row - from) * channels + channel] = column[row]!
  }
  return { channels, count: to - from, values }
}

function incidentRows({ incidents, fromMs, stepMs }: DataRequest, first: number, count: number): Uint8Array {
  const marked = new Uint8Array(count)
  for (const incident of incidents) {
    const from = Math.floor((incident.fromMs - fromMs) / stepMs) - first
    const to = Math.ceil((incident.toMs - fromMs) / stepMs) - first
    marked.fill(1, Math.max(0, from), Math.max(0, to))
  }
  return marked
}

function blank({ channels, values }: Rows, incidents: Uint8Array): void {
  for (let row = 0; row < incidents.length; row++) {
    if (incidents[row] === 1) values.fill(Number.NaN, row * channels, (row + 1) * channels)
  }
}

function sharedLabels([first, ...others]: readonly SeriesHistory[]): Label[] {
  const isShared = ({ name, value }: Label) =>
    others.every(({ labels }) => labels.some((label) => label.name === name && label.value === value))
  return first!.labels.filter((label) => label.name !== '__name__' && isShared(label)).map(({ name, value }) => ({ name, value }))
}

function hashOf(series: readonly SeriesHistory[], { values }: Rows, fromMs: number, stepMs: number): string {
  const hash = createHash('sha256').update(JSON.stringify([fromMs, stepMs, series.map(({ name }) => name)]))
  return hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)).digest('hex')
}
