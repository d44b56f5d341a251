/**
 * The page's connection to the service: reads the lists, listens to live events, keeps the address in step with the state.
 *
 * Live events carry changes only; after each (re)connection, and every few seconds, the lists are read again, so that whatever
 * was missed is repaired. An answer that comes after the state has moved on is dropped by the model or by its request number.
 */
import type {
  AnomalyDetail,
  AnomalyView,
  ExploredAnswer,
  LiveEvents,
  Models,
  MuteView,
  Overview,
  Precision,
  SeriesDetail,
  SeriesList,
  Settings,
} from '../api-model.ts'
import { get, RequestProblem } from './api-client.ts'
import {
  anomaliesKept,
  type Change,
  type Exploration,
  evaluated,
  fromAddress,
  initialState,
  type Missing,
  type PageState,
  receiveAnomalies,
  receiveAnomaly,
  receiveDetail,
  receiveList,
  receiveMissing,
  receiveOpened,
  receivePoints,
  receiveSeries,
  spans,
  toAddress,
} from './model.ts'

export interface Session {
  /** Changes the state, reads what the change needs, and writes it to the address. */
  readonly change: Change
  /** Reads anew what the view shows beside the series. */
  refresh(): void
}

const listEveryMs = 15_000

export function startSession(render: (state: PageState) => void): Session {
  let state = fromAddress(initialState, location.search)
  let rendering = false
  const update = (next: (state: PageState) => PageState) => {
    const before = state
    state = next(state)
    readWhatChanged(before, state, read)
    if (rendering) return
    rendering = true
    requestAnimationFrame(() => {
      rendering = false
      render(state)
    })
  }
  const read = createReaders(() => state, update)
  listen(createListeners(() => state, update, read))
  setInterval(read.list, listEveryMs)
  setInterval(() => readView(state, read), listEveryMs)
  addEventListener('popstate', () => update((now) => evaluated(fromAddress(now, location.search))))
  update((now) => evaluated(now))

  return {
    refresh: () => readView(state, read),
    change: (next) => {
      const before = state
      update(next)
      if (toAddress(state) === toAddress(before)) return
      const typing = state.search !== before.search
      history[typing ? 'replaceState' : 'pushState'](null, '', toAddress(state))
    },
  }
}

type Readers = Readonly<
  Record<
    | 'overview'
    | 'list'
    | 'anomalies'
    | 'detail'
    | 'points'
    | 'opened'
    | 'openAnomalies'
    | 'precision'
    | 'models'
    | 'settings'
    | 'exploration'
    | 'mutes',
    () => void
  >
>

/** Each reads one part of the state anew and puts the answer into it. */
function createReaders(stateNow: () => PageState, update: Change): Readers {
  const failed = (error: unknown) => update((now) => receiveProblem(now, error))
  const newestOnly = <Body>(ask: () => Promise<Body | undefined>) => newestAnswer(ask, failed)
  const overview = newestOnly(() => get<Overview>('overview'))
  const list = newestOnly(async () => {
    const { search, stateFilter } = stateNow()
    return get<SeriesList>(`series?${new URLSearchParams({ search, ...(stateFilter && { state: stateFilter }) })}`)
  })
  const anomalies = newestOnly(() => get<AnomalyView[]>(`anomalies?limit=${anomaliesKept}`))
  const detail = newestOnly(async (): Promise<SeriesDetail | Missing | undefined> => {
    const { selectedKey } = stateNow()
    if (selectedKey === undefined) return undefined
    return (await get<SeriesDetail>(`series/${encodeURIComponent(selectedKey)}`)) ?? { seriesKey: selectedKey }
  })
  const points = newestOnly(async () => {
    const shown = stateNow().detail
    return shown && get<SeriesDetail>(`series/${shown.series.key}?after=${shown.points.timestampsMs.at(-1) ?? 0}`)
  })
  const opened = newestOnly(async (): Promise<AnomalyDetail | Missing | undefined> => {
    const { openedId } = stateNow()
    if (openedId === undefined) return undefined
    return (await get<AnomalyDetail>(`anomalies/${encodeURIComponent(openedId)}`)) ?? { episodeId: openedId }
  })
  const openAnomalies = newestOnly(() => get<AnomalyView[]>('anomalies?state=open&limit=500'))
  const precision = newestOnly(() => get<Precision>('precision'))
  const mutes = newestOnly(() => get<MuteView[]>('mutes'))
  const models = newestOnly(() => get<Models>('models'))
  const settings = newestOnly(() => get<Settings>('settings'))
  const exploration = newestOnly(() => explore(stateNow()))
  return {
    exploration: () => exploration((found) => update((now) => ({ ...now, exploration: found }))),
    openAnomalies: () => openAnomalies((body) => update((now) => ({ ...now, openAnomalies: body }))),
    precision: () => precision((body) => update((now) => ({ ...now, precision: body }))),
    mutes: () => mutes((body) => update((now) => ({ ...now, mutes: body }))),
    models: () => models((body) => update((now) => ({ ...now, models: body }))),
    settings: () => settings((body) => update((now) => ({ ...now, settings: body }))),
    overview: () => overview((body) => update((now) => ({ ...now, overview: body }))),
    list: () => list((body) => update((now) => receiveList(now, body))),
    anomalies: () => anomalies((body) => update((now) => receiveAnomalies(now, body))),
    detail: () => detail((body) => update((now) => ('series' in body ? receiveDetail(now, body) : receiveMissing(now, body)))),
    points: () => points((body) => update((now) => receivePoints(now, body))),
    opened: () => opened((body) => update((now) => ('anomaly' in body ? receiveOpened(now, body) : receiveMissing(now, body)))),
  }
}

/** A refusal is shown beside the expression; that a token is needed is shown by the page. */
async function explore({ promql, span }: PageState): Promise<Exploration | undefined> {
  const toMs = Date.now()
  const asked = new URLSearchParams({ query: promql, from: String(toMs - spans[span]), to: String(toMs) })
  try {
    const answer = await get<ExploredAnswer>(`explore?${asked}`)
    return answer && { kind: 'answer', answer }
  } catch (error) {
    if (!(error instanceof Error) || (error instanceof RequestProblem && error.status === 401)) throw error
    const position = error instanceof RequestProblem ? error.position : undefined
    return { kind: 'problem', promql, message: error.message, position }
  }
}

function readWhatChanged(before: PageState, after: PageState, read: Readers): void {
  if (before.search !== after.search || before.stateFilter !== after.stateFilter) read.list()
  if (before.selectedKey !== after.selectedKey) read.detail()
  if (before.openedId !== after.openedId) read.opened()
  if (before.view !== after.view) readView(after, read)
  if (after.exploration?.kind === 'running' && before.exploration !== after.exploration) read.exploration()
}

/** What only one view shows is read while that view is shown. */
function readView({ view }: PageState, read: Readers): void {
  if (view === 'models') read.models()
  if (view === 'settings') read.settings()
  if (view !== 'overview') return
  read.openAnomalies()
  read.precision()
  read.mutes()
}

/** What cannot be read goes on as it was: the live indicator tells of a lost connection. */
function receiveProblem(state: PageState, error: unknown): PageState {
  if (!(error instanceof RequestProblem)) return state
  if (error.status === 401) return { ...state, needsToken: true }
  return error.message.startsWith('search: ') ? { ...state, searchProblem: error.message.slice('search: '.length) } : state
}

function createListeners(stateNow: () => PageState, update: Change, read: Readers): Listeners {
  return {
    opened: () => {
      update((now) => ({ ...now, connection: 'live' }))
      read.overview()
      read.list()
      read.anomalies()
      read.detail()
      read.opened()
      readView(stateNow(), read)
    },
    lost: () => {
      update((now) => ({ ...now, connection: 'lost' }))
      read.overview()
    },
    overview: (overview) => {
      if (overview.series.shown > 0 && (stateNow().list?.total ?? 0) === 0) read.list()
      update((now) => ({ ...now, overview }))
    },
    series: (changed) => {
      update((now) => receiveSeries(now, changed))
      const { detail, missing } = stateNow()
      if (changed.some(({ key }) => key === detail?.series.key)) read.points()
      if (changed.some(({ key }) => key === missing.seriesKey)) read.detail()
    },
    anomaly: (anomaly) => {
      update((now) => receiveAnomaly(now, anomaly))
      if (anomaly.episodeId === stateNow().openedId) read.opened()
      if (anomaly.judgement && stateNow().view === 'overview') read.precision()
    },
  }
}

interface Listeners {
  opened(): void
  lost(): void
  overview(body: LiveEvents['overview']): void
  series(body: LiveEvents['series']): void
  anomaly(body: LiveEvents['anomaly']): void
}

/** The browser connects again by itself, except after an answer that is no event stream, such as 503. */
function listen(listeners: Listeners): void {
  const events = new EventSource('/api/v1/events')
  events.onopen = listeners.opened
  events.onerror = () => {
    listeners.lost()
    if (events.readyState === EventSource.CLOSED) setTimeout(() => listen(listeners), reconnectMs)
  }
  events.addEventListener('overview', ({ data }) => listeners.overview(JSON.parse(data)))
  events.addEventListener('series', ({ data }) => listeners.series(JSON.parse(data)))
  events.addEventListener('anomaly', ({ data }) => listeners.anomaly(JSON.parse(data)))
}

const reconnectMs = 3000

/** Requests overtake each other: only the answer to the newest counts. */
function newestAnswer<Body>(
  read: () => Promise<Body | undefined>,
  failed: (error: unknown) => void,
): (receive: (body: Body) => void) => void {
  let newest = 0
  return (receive) => {
    const mine = ++newest
    read().then(
      (body) => {
        if (mine === newest && body !== undefined) receive(body)
      },
      (error: unknown) => {
        if (mine === newest) failed(error)
      },
    )
  }
}
