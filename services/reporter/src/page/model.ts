/**
 * The state of the page and every way it changes, as pure functions: what the session receives goes in, the next state comes out.
 *
 * The order of the list changes only when it is read again or when a series becomes anomalous or stops being so: rows that
 * moved with every score could neither be read nor clicked.
 */

import { seriesStates } from '@lapwing/contracts/series-state'
import type {
  AnomalyDetail,
  AnomalyView,
  ExploredAnswer,
  LabelPair,
  Models,
  MuteView,
  Overview,
  Points,
  Precision,
  SeriesDetail,
  SeriesList,
  SeriesRow,
  SeriesSummary,
  Settings,
} from '../api-model.ts'

export const viewNames = ['overview', 'series', 'explore', 'models', 'settings'] as const
export type ViewName = (typeof viewNames)[number]

/** What the list of series can be narrowed to. */
export const stateFilters = [...seriesStates, 'ended'] as const
export type StateFilter = (typeof stateFilters)[number]

export interface PageState {
  readonly view: ViewName
  /** Whether the service has asked for a token. */
  readonly needsToken: boolean
  readonly connection: 'connecting' | 'live' | 'lost'
  readonly overview: Overview | undefined
  readonly list: SeriesList | undefined
  readonly search: string
  /** Why the search cannot be read; empty when it can. */
  readonly searchProblem: string
  readonly stateFilter: StateFilter | undefined
  readonly selectedKey: string | undefined
  /** False until a person selects a series: until then the page shows the most anomalous one. */
  readonly pinned: boolean
  /** Of the selected series; that of the one before until it has come. */
  readonly detail: SeriesDetail | undefined
  /** The series and the anomaly that were asked for last and that the service does not have. */
  readonly missing: Missing
  /** Newest first. */
  readonly anomalies: readonly AnomalyView[]
  /** Those that have not ended, newest first; kept for the overview. */
  readonly openAnomalies: readonly AnomalyView[]
  readonly precision: Precision | undefined
  /** Those in force that were given here. */
  readonly mutes: readonly MuteView[]
  readonly models: Models | undefined
  readonly settings: Settings | undefined
  /** The PromQL that is evaluated; empty when none is. */
  readonly promql: string
  readonly span: SpanName
  readonly exploration: Exploration | undefined
  /** The anomaly that is open in the table, and its records once they have come. */
  readonly openedId: string | undefined
  readonly opened: AnomalyDetail | undefined
  readonly range: RangeName
  /** Overrides the range. */
  readonly zoom: Zoom | undefined
  /** Read to those who listen to the page. */
  readonly announcement: string
}

export interface Missing {
  readonly seriesKey?: string | undefined
  readonly episodeId?: string | undefined
}

/** Replaces the state by what this makes of it. */
export type Change = (next: (state: PageState) => PageState) => void

export interface Zoom {
  readonly fromMs: number
  readonly toMs: number
}

export const ranges = { '15m': 15 * 60_000, '1h': 3_600_000, '6h': 6 * 3_600_000, all: Number.POSITIVE_INFINITY } as const
export type RangeName = keyof typeof ranges

/** How much of the time until now is evaluated. */
export const spans = { '1h': 3_600_000, '6h': 6 * 3_600_000, '24h': 86_400_000, '7d': 7 * 86_400_000 } as const
export type SpanName = keyof typeof spans

/** What came of an evaluation. */
export type Exploration =
  | { readonly kind: 'running' }
  | { readonly kind: 'answer'; readonly answer: ExploredAnswer }
  | { readonly kind: 'problem'; readonly promql: string; readonly message: string; readonly position: number | undefined }

export const initialState: PageState = {
  view: 'series',
  needsToken: false,
  connection: 'connecting',
  overview: undefined,
  list: undefined,
  search: '',
  searchProblem: '',
  stateFilter: undefined,
  selectedKey: undefined,
  pinned: false,
  detail: undefined,
  missing: {},
  anomalies: [],
  openAnomalies: [],
  precision: undefined,
  mutes: [],
  models: undefined,
  settings: undefined,
  promql: '',
  span: '6h',
  exploration: undefined,
  openedId: undefined,
  opened: undefined,
  range: '1h',
  zoom: undefined,
  announcement: '',
}

/** What an address holds; `toAddress` is the way back. */
export function fromAddress(state: PageState, query: string): PageState {
  const parameters = new URLSearchParams(query)
  const selectedKey = parameters.get('series') ?? undefined
  const range = parameters.get('range') ?? ''
  const span = parameters.get('span') ?? ''
  return {
    ...state,
    view: viewNames.find((name) => name === parameters.get('view')) ?? initialState.view,
    search: (parameters.get('search') ?? '').slice(0, longestSearch),
    stateFilter: stateFilters.find((name) => name === parameters.get('state')),
    selectedKey: selectedKey ?? state.selectedKey,
    pinned: selectedKey !== undefined,
    openedId: parameters.get('anomaly') ?? undefined,
    range: Object.hasOwn(ranges, range) ? (range as RangeName) : initialState.range,
    zoom: zoomOf(parameters.get('from'), parameters.get('to')),
    promql: (parameters.get('promql') ?? '').slice(0, longestPromql),
    span: Object.hasOwn(spans, span) ? (span as SpanName) : initialState.span,
  }
}

export function toAddress(state: PageState): string {
  const parameters = new URLSearchParams()
  if (state.view === 'explore') return exploreAddress(state)
  if (state.view !== initialState.view) return `?view=${state.view}`
  if (state.pinned && state.selectedKey) parameters.set('series', state.selectedKey)
  if (state.search) parameters.set('search', state.search)
  if (state.stateFilter) parameters.set('state', state.stateFilter)
  if (state.openedId) parameters.set('anomaly', state.openedId)
  if (state.range !== initialState.range) parameters.set('range', state.range)
  if (state.zoom) {
    parameters.set('from', String(Math.round(state.zoom.fromMs)))
    parameters.set('to', String(Math.round(state.zoom.toMs)))
  }
  const text = parameters.toString()
  return text ? `?${text}` : '/'
}

function exploreAddress({ promql, span }: PageState): string {
  const parameters = new URLSearchParams({ view: 'explore' })
  if (promql) parameters.set('promql', promql)
  if (span !== initialState.span) parameters.set('span', span)
  return `?${parameters}`
}

/** Evaluates the expression of the state, if there is one and its view is shown. */
export function evaluated(state: PageState): PageState {
  const isAsked = state.view === 'explore' && state.promql.trim() !== ''
  return { ...state, exploration: isAsked ? { kind: 'running' } : undefined }
}

export function select(state: PageState, key: string): PageState {
  return { ...state, selectedKey: key, pinned: true, zoom: undefined, openedId: undefined, opened: undefined }
}

/** Shows an anomaly in the table and on its series; once more on the same one closes it. */
export function toggleAnomaly(state: PageState, anomaly: AnomalyView): PageState {
  if (state.openedId === anomaly.episodeId) return { ...state, openedId: undefined, opened: undefined, zoom: undefined }
  return show(state, anomaly)
}

/** The records of the anomaly that is open. When a link opened it, its series and its time are shown with it. */
export function receiveOpened(state: PageState, opened: AnomalyDetail): PageState {
  if (opened.anomaly.episodeId !== state.openedId) return state
  const isShown = state.opened !== undefined || state.zoom !== undefined
  return { ...(isShown ? state : show(state, opened.anomaly)), opened }
}

/** What the table lists: the newest, and the one that a link opened although it is older than those. */
export function listedAnomalies({ anomalies, opened, openedId }: PageState): readonly AnomalyView[] {
  const isListed = anomalies.some(({ episodeId }) => episodeId === openedId)
  return opened && opened.anomaly.episodeId === openedId && !isListed ? upserted(anomalies, opened.anomaly) : anomalies
}

export function receiveList(state: PageState, list: SeriesList): PageState {
  return follow({ ...state, list, searchProblem: '' })
}

export function receiveDetail(state: PageState, detail: SeriesDetail): PageState {
  if (detail.series.key !== state.selectedKey) return state
  return { ...state, detail, missing: { ...state.missing, seriesKey: undefined } }
}

export function receiveMissing(state: PageState, missing: Missing): PageState {
  return { ...state, missing: { ...state.missing, ...missing } }
}

/** Points that came since the detail was read. */
export function receivePoints(state: PageState, newer: SeriesDetail): PageState {
  const { detail } = state
  if (detail?.series.key !== newer.series.key) return state
  return { ...state, detail: { ...newer, points: appended(detail.points, newer.points) } }
}

export function receiveSeries(state: PageState, changed: readonly SeriesSummary[]): PageState {
  if (!state.list) return state
  const byKey = new Map(changed.map((series) => [series.key, series]))
  let stateChanged = false
  const rows = state.list.series.map((row) => {
    const newer = byKey.get(row.key)
    if (!newer || newer.atMs <= row.atMs) return row
    if ((newer.state === 'anomalous') !== (row.state === 'anomalous')) stateChanged = true
    return { ...newer, recent: [...row.recent, newer.value].slice(-recentPoints) }
  })
  const series = stateChanged ? anomalousFirst(rows) : rows
  return follow({ ...state, list: { ...state.list, series } })
}

export function receiveAnomalies(state: PageState, anomalies: readonly AnomalyView[]): PageState {
  return { ...state, anomalies }
}

export function receiveAnomaly(state: PageState, anomaly: AnomalyView): PageState {
  const known = state.anomalies.find((other) => other.episodeId === anomaly.episodeId)
  const announcement =
    known?.state === anomaly.state ? state.announcement : `anomaly ${anomaly.state}: ${anomaly.text}, ${anomaly.severity}`
  const anomalies = upserted(state.anomalies, anomaly).slice(0, anomaliesKept)
  const isOpen = anomaly.state !== 'resolved'
  const stillOpen = upserted(state.openAnomalies, anomaly).filter((other) => isOpen || other.episodeId !== anomaly.episodeId)
  const changed = { anomalies, announcement, openAnomalies: stillOpen }
  const { detail } = state
  if (detail?.series.key !== anomaly.seriesKey) return { ...state, ...changed }
  return { ...state, ...changed, detail: { ...detail, anomalies: upserted(detail.anomalies, anomaly) } }
}

/**
 * Labels that tell these series apart: not those that are the same on all of them, and of those that tell the same apart (service
 * and instance, where each has one) only the shortest. The metric's name is not among them.
 */
export function distinguishingLabels(rows: readonly { readonly labels: readonly LabelPair[] }[]): ReadonlySet<string> {
  const names = new Set(rows.flatMap(({ labels }) => labels.map(([name]) => name)))
  names.delete('__name__')
  const shortest = new Map<string, { name: string; length: number }>()
  for (const name of names) {
    const values = rows.map(({ labels }) => labels.find(([other]) => other === name)?.[1] ?? '')
    const distinct = [...new Set(values)]
    const partition = values.map((value) => distinct.indexOf(value)).join(' ')
    const length = distinct.join('').length
    if (distinct.length > 1 && length < (shortest.get(partition)?.length ?? Number.POSITIVE_INFINITY))
      shortest.set(partition, { name, length })
  }
  return new Set([...shortest.values()].map(({ name }) => name))
}

/** The part of time that the chart shows. */
export function visibleRange(state: PageState, points: Points): Zoom {
  const toMs = points.timestampsMs.at(-1) ?? 0
  if (state.zoom) return withoutFuture(state.zoom, toMs)
  return { fromMs: Math.max(points.timestampsMs[0] ?? 0, toMs - ranges[state.range]), toMs }
}

/** What is still to come fills up as it comes, and takes no room before. */
function withoutFuture({ fromMs, toMs }: Zoom, newestMs: number): Zoom {
  const isPartlyPast = newestMs > fromMs && newestMs < toMs
  return { fromMs, toMs: isPartlyPast ? newestMs + (newestMs - fromMs) * futureShare : toMs }
}

const futureShare = 0.03

export const anomaliesKept = 100
/** What the API takes. */
export const longestSearch = 500
export const longestPromql = 4000
/** As many as the API gives for a sparkline, and the chart keeps. */
const recentPoints = 60
const pointsKept = 5000

function show(state: PageState, anomaly: AnomalyView): PageState {
  const toMs = anomaly.endedAtMs ?? anomaly.observedAtMs
  const marginMs = Math.max(5 * 60_000, 1.5 * (toMs - anomaly.startedAtMs))
  return {
    ...select(state, anomaly.seriesKey),
    view: 'series',
    openedId: anomaly.episodeId,
    zoom: { fromMs: anomaly.startedAtMs - marginMs, toMs: toMs + marginMs },
  }
}

function zoomOf(from: string | null, to: string | null): Zoom | undefined {
  const [fromMs, toMs] = [Number(from), Number(to)]
  return from && to && fromMs < toMs ? { fromMs, toMs } : undefined
}

/** While nobody has selected a series the first anomalous one is shown; when there is none, the one that was. */
function follow(state: PageState): PageState {
  if (state.pinned) return state
  const first = state.list?.series[0]
  const selected = state.list?.series.find((row) => row.key === state.selectedKey)
  if (!first || (selected && (first.state !== 'anomalous' || selected.state === 'anomalous'))) return state
  return { ...state, selectedKey: first.key }
}

function anomalousFirst(rows: readonly SeriesRow[]): SeriesRow[] {
  return [...rows.filter((row) => row.state === 'anomalous'), ...rows.filter((row) => row.state !== 'anomalous')]
}

/** In place when it is known, else by the time it started, newest first. */
function upserted(anomalies: readonly AnomalyView[], anomaly: AnomalyView): AnomalyView[] {
  const others = anomalies.filter((other) => other.episodeId !== anomaly.episodeId)
  const at = others.findIndex((other) => other.startedAtMs < anomaly.startedAtMs)
  return others.toSpliced(at < 0 ? others.length : at, 0, anomaly)
}

function appended(points: Points, newer: Points): Points {
  const last = points.timestampsMs.at(-1) ?? Number.NEGATIVE_INFINITY
  const first = newer.timestampsMs.findIndex((timestampMs) => timestampMs > last)
  if (first < 0) return points
  const join = <T>(old: readonly T[], recent: readonly T[]) => [...old, ...recent.slice(first)].slice(-pointsKept)
  return {
    timestampsMs: join(points.timestampsMs, newer.timestampsMs),
    values: join(points.values, newer.values),
    expected: join(points.expected, newer.expected),
    lower: join(points.lower, newer.lower),
    upper: join(points.upper, newer.upper),
    scores: join(points.scores, newer.scores),
    imputed: join(points.imputed, newer.imputed),
    reasons: join(points.reasons, newer.reasons),
  }
}
