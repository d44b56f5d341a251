/**
 * The page's connection to the service: reads the lists, listens to live events, keeps the address in step with the state.
 *
 * Live events carry changes only; after each (re)connection, and every few seconds, the lists are read again, so that whatever
 * was missed is repaired. An answer that comes after the state has moved on is dropped by the model or by its request number.
 */
import type { AnomalyDetail, AnomalyView, LiveEvents, Overview, SeriesDetail, SeriesList } from '../api-model.ts'
import {
  anomaliesKept,
  fromAddress,
  initialState,
  type PageState,
  receiveAnomalies,
  receiveAnomaly,
  receiveDetail,
  receiveList,
  receiveOpened,
  receivePoints,
  receiveSeries,
  toAddress,
} from './model.ts'

export interface Session {
  /** Changes the state, and reads what the change needs. */
  change(next: (state: PageState) => PageState): void
}

const listEveryMs = 15_000

export function startSession(render: (state: PageState) => void): Session {
  let state = fromAddress(initialState, location.search)
  let rendering = false
  const update = (next: (state: PageState) => PageState) => {
    const before = state
    state = next(state)
    if (state !== before) readWhatChanged(before, state)
    if (rendering) return
    rendering = true
    requestAnimationFrame(() => {
      rendering = false
      render(state)
    })
  }

  const readOverview = newestOnly(() => get<Overview>('overview'))
  const readList = newestOnly(async () => {
    const query = new URLSearchParams({ search: state.search, ...(state.stateFilter && { state: state.stateFilter }) })
    return get<SeriesList>(`series?${query}`)
  })
  const readAnomalies = newestOnly(() => get<AnomalyView[]>(`anomalies?limit=${anomaliesKept}`))
  const readDetail = newestOnly(async () => state.selectedKey && (await get<SeriesDetail>(`series/${state.selectedKey}`)))
  const readPoints = newestOnly(async () => {
    const { detail } = state
    return detail && get<SeriesDetail>(`series/${detail.series.key}?after=${detail.points.timestampsMs.at(-1) ?? 0}`)
  })
  const readOpened = newestOnly(
    async () => state.openedId && (await get<AnomalyDetail>(`anomalies/${encodeURIComponent(state.openedId)}`)),
  )

  const refreshList = () => readList((list) => update((now) => receiveList(now, list)))
  const refreshAnomalies = () => readAnomalies((anomalies) => update((now) => receiveAnomalies(now, anomalies)))
  const refreshDetail = () => readDetail((detail) => detail && update((now) => receiveDetail(now, detail)))
  const refreshOpened = () => readOpened((opened) => opened && update((now) => receiveOpened(now, opened)))
  const refreshAll = () => {
    readOverview((overview) => update((now) => ({ ...now, overview })))
    refreshList()
    refreshAnomalies()
    refreshDetail()
    refreshOpened()
  }

  function readWhatChanged(before: PageState, after: PageState): void {
    if (before.search !== after.search || before.stateFilter !== after.stateFilter) refreshList()
    if (before.selectedKey !== after.selectedKey) refreshDetail()
    if (before.openedId !== after.openedId) refreshOpened()
  }

  listen({
    opened: () => {
      update((now) => ({ ...now, connection: 'live' }))
      refreshAll()
    },
    lost: () => update((now) => ({ ...now, connection: 'lost' })),
    overview: (overview) => {
      if (overview.series.shown > 0 && (state.list?.total ?? 0) === 0) refreshList()
      update((now) => ({ ...now, overview }))
    },
    series: (changed) => {
      update((now) => receiveSeries(now, changed))
      if (changed.some((series) => series.key === state.detail?.series.key)) {
        readPoints((newer) => newer && update((now) => receivePoints(now, newer)))
      }
    },
    anomaly: (anomaly) => {
      update((now) => receiveAnomaly(now, anomaly))
      if (anomaly.episodeId === state.openedId) refreshOpened()
    },
  })
  setInterval(refreshList, listEveryMs)
  addEventListener('popstate', () => update((now) => fromAddress(now, location.search)))
  update((now) => now)

  return {
    change: (next) => {
      const before = state
      update(next)
      if (toAddress(state) === toAddress(before)) return
      const typing = state.search !== before.search
      history[typing ? 'replaceState' : 'pushState'](null, '', toAddress(state))
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

/** Rejects what is no answer; 404 gives undefined, because what was looked at may have ended. */
async function get<Body>(path: string): Promise<Body | undefined> {
  const response = await fetch(`/api/v1/${path}`)
  if (response.status === 404) return undefined
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return (await response.json()) as Body
}

/** Requests overtake each other: only the answer to the newest counts. A failed one is left to the next, the live indicator tells. */
function newestOnly<Body>(read: () => Promise<Body | undefined>): (receive: (body: Body) => void) => void {
  let newest = 0
  return (receive) => {
    const mine = ++newest
    read().then(
      (body) => {
        if (mine === newest && body !== undefined) receive(body)
      },
      (error: unknown) => console.warn(error),
    )
  }
}
