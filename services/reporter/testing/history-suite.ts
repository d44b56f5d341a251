/** What every history does, whatever it is kept in. */
import type { Anomaly } from '@lapwing/contracts/records'
import { expect, test } from 'vitest'
import type { HistoryRecords, HistoryStore, Judgement } from '../src/history-store.ts'
import { anomaly, notification } from './records.ts'
import { labelled } from './score-batch.ts'

export const opened = anomaly({ id: 'e1/open', episodeId: 'e1', startedAtMs: 100, observedAtMs: 120 })
const resolved = { ...opened, id: 'e1/resolved', state: 'resolved' as const, observedAtMs: 300, endedAtMs: 280, value: 2 }
const later = anomaly({ id: 'e2/open', episodeId: 'e2', labels: labelled('other'), startedAtMs: 200, observedAtMs: 220 })
export const told = notification({ id: 'n1', alertId: 'e1', atMs: 130 })
const held = notification({
  ...{ id: 'n2', alertId: 'e1', receiver: 'alertmanager', outcome: 'suppressed', reason: 'flapping', atMs: 140 },
})
const said: Judgement = {
  ...{ anomalyId: 'e1/open', episodeId: 'e1', verdict: 'false_alarm', author: 'ann', comment: 'backup', origin: 'page' },
  ...{ atMs: 500, untilMs: null },
}

export function records(about: Partial<HistoryRecords>): HistoryRecords {
  return { anomalies: [], notifications: [], judgements: [], ...about }
}

/** @param open an empty history, closed by whoever hands it out */
export function describeHistory(open: () => Promise<HistoryStore>): void {
  test('tells which episodes are new, once, and which the records are about', async () => {
    const store = await open()
    const first = await store.record(records({ anomalies: [opened, resolved, later], notifications: [told] }))
    expect(first.opened.map((episode) => episode.episodeId)).toEqual(['e1', 'e2'])
    expect(first.episodeIds).toEqual(['e1', 'e2'])
    const again = await store.record(records({ anomalies: [resolved, opened, later], notifications: [told] }))
    expect(again).toEqual({ opened: [], episodeIds: ['e1', 'e2'] })
  })

  test('answers what went in: newest first, with its notifications in order', async () => {
    const store = await open()
    await store.record(records({ anomalies: [opened, later], notifications: [held, told] }))
    const [newest, oldest] = await store.episodes({ limit: 10 })
    expect(newest).toMatchObject({ episode: { episodeId: 'e2' }, notifications: [] })
    expect(oldest?.episode).toEqual({
      ...newest?.episode,
      episodeId: 'e1',
      seriesKey: opened.seriesKey,
      metric: 'requests',
      labels: opened.labels,
      startedAtMs: 100,
      observedAtMs: 120,
      endReason: '',
      openedBy: 'e1/open',
      newest: { recordId: 'e1/open', suppressedBy: '', signature: null },
      worst: { ...newest?.episode.worst, recordId: 'e1/open' },
    })
    expect(oldest?.notifications).toEqual([told, held])
  })

  test('keeps why an episode ended, in whatever order the records come', async () => {
    const store = await open()
    const gone = { ...later, id: 'e2/resolved', state: 'resolved' as const, observedAtMs: 400, endedAtMs: 400, value: Number.NaN }
    const lost = { ...gone, id: 'e3/resolved', episodeId: 'e3', endReason: 'began_anew' }
    await store.record(records({ anomalies: [resolved, gone, lost] }))
    await store.record(records({ anomalies: [opened, later] }))
    const ends = (await store.episodes({ limit: 10 })).map(({ episode }) => [episode.episodeId, episode.endReason])
    expect(Object.fromEntries(ends)).toEqual({ e1: 'normal_again', e2: 'series_gone', e3: 'began_anew' })
  })

  test('filters by state, series, time, id and number, and reads on behind an episode', async () => {
    const store = await open()
    await store.record(records({ anomalies: [opened, resolved, later] }))
    const ids = async (query: Partial<Parameters<typeof store.episodes>[0]>) =>
      (await store.episodes({ limit: 10, ...query })).map(({ episode }) => episode.episodeId)
    expect(await ids({})).toEqual(['e2', 'e1'])
    expect(await ids({ state: 'open' })).toEqual(['e2'])
    expect(await ids({ state: 'resolved' })).toEqual(['e1'])
    expect(await ids({ seriesKey: later.seriesKey })).toEqual(['e2'])
    expect(await ids({ fromMs: 150 })).toEqual(['e2'])
    expect(await ids({ toMs: 200 })).toEqual(['e1'])
    expect(await ids({ ids: ['e1', 'nobody'] })).toEqual(['e1'])
    expect(await ids({ ids: [] })).toEqual([])
    expect(await ids({ limit: 1 })).toEqual(['e2'])
    expect(await ids({ after: { startedAtMs: 200, episodeId: 'e2' } })).toEqual(['e1'])
    expect(await ids({ after: { startedAtMs: 100, episodeId: 'e1' } })).toEqual([])
    expect(await store.openCount()).toBe(1)
    expect((await store.steps('e1')).map((step) => step.state)).toEqual(['open', 'resolved'])
  })

  test('many that started at once are read on without a gap and without a double', async () => {
    const store = await open()
    const many = Array.from({ length: 25 }, (_, i) => anomaly({ id: `r${i}`, episodeId: `e${i}`, startedAtMs: 1000 * (i % 3) }))
    await store.record(records({ anomalies: many }))
    const seen: string[] = []
    for (let portion = await store.episodes({ limit: 4 }); portion.length > 0; ) {
      seen.push(...portion.map(({ episode }) => episode.episodeId))
      portion = await store.episodes({ limit: 4, after: portion.at(-1)!.episode })
    }
    expect(seen).toEqual((await store.episodes({ limit: 100 })).map(({ episode }) => episode.episodeId))
    expect(new Set(seen).size).toBe(25)
  })

  test('text from strangers comes back as it was, but for what PostgreSQL has no place for', async () => {
    const store = await open()
    const hostile = '\u0000"\'\\;DROP TABLE episodes;--\ud83d\udc26\u202e'
    const labels = [{ name: '__proto__', value: hostile }]
    await store.record(records({ anomalies: [{ ...opened, metric: hostile, source: hostile, labels }] }))
    const [found] = await store.episodes({ limit: 1 })
    expect(found?.episode.labels).toEqual(labels)
    expect(found?.episode.metric).toBe(hostile.replace('\u0000', '\ufffd'))
  })

  test('numbers that are not finite come back as NaN', async () => {
    const store = await open()
    await store.record(records({ anomalies: [{ ...opened, value: Number.NaN, upper: Number.POSITIVE_INFINITY }] }))
    const [found] = await store.episodes({ limit: 1 })
    expect(found?.episode.worst).toMatchObject({ value: Number.NaN, upper: Number.NaN, expected: 2 })
  })

  test('the newest word of a person holds, in whatever order it comes, until it is taken back', async () => {
    const store = await open()
    await store.record(records({ anomalies: [opened, later] }))
    const judgement = async () => (await store.episodes({ ids: ['e1'], limit: 1 }))[0]?.judgement
    expect(await judgement()).toBeUndefined()
    const change = await store.record(records({ judgements: [{ ...said, atMs: 600, verdict: 'confirmed' }, said] }))
    expect(change.episodeIds).toEqual(['e1'])
    expect(await judgement()).toEqual({ ...said, atMs: 600, verdict: 'confirmed' })
    expect(await store.verdictCounts(0)).toEqual({ confirmed: 1, false_alarm: 0, expected: 0, known: 0, new_normal: 0 })
    expect(await store.verdictCounts(101)).toMatchObject({ confirmed: 0 })
    await store.record(records({ judgements: [{ ...said, episodeId: '', atMs: 700, verdict: 'undone' }] }))
    expect(await judgement()).toBeUndefined()
    expect(await store.verdictCounts(0)).toMatchObject({ confirmed: 0 })
  })

  test('forgets what has had no record since the retention began', async () => {
    const store = await open()
    await store.record(
      records({ anomalies: [opened, resolved, later], notifications: [told, { ...held, atMs: 400 }], judgements: [said] }),
    )
    await store.expire(250)
    expect((await store.episodes({ limit: 10 })).map(({ episode }) => episode.episodeId)).toEqual(['e1'])
    expect((await store.episodes({ limit: 10 }))[0]?.notifications.map(({ id }) => id)).toEqual(['n2'])
    await store.expire(1000)
    expect(await store.episodes({ limit: 10 })).toEqual([])
    expect(await store.steps('e1')).toEqual([])
    expect(await store.verdictCounts(0)).toMatchObject({ false_alarm: 0 })
  })

  test('a batch that fails leaves nothing behind', async () => {
    const store = await open()
    const broken = { ...later, labels: null as never }
    await expect(store.record(records({ anomalies: [opened, broken] }))).rejects.toThrow()
    expect(await store.episodes({ limit: 10 })).toEqual([])
    expect((await store.record(records({ anomalies: [opened] }))).opened).toHaveLength(1)
  })

  test('records in any order and portion give the same history', async () => {
    const store = await open()
    const escalated: Anomaly = {
      ...opened,
      id: 'e1/escalated',
      state: 'escalated',
      severity: 'critical',
      observedAtMs: 200,
      score: 4,
    }
    for (const one of [resolved, escalated, opened, escalated]) await store.record(records({ anomalies: [one] }))
    const [found] = await store.episodes({ limit: 1 })
    const other = await open()
    await other.record(records({ anomalies: [opened, escalated, resolved] }))
    expect(found).toEqual((await other.episodes({ limit: 1 }))[0])
    expect(found?.episode).toMatchObject({ state: 'resolved', severity: 'critical', worst: { score: 4 }, openedBy: 'e1/open' })
  })
}
