import { describe, expect, test } from 'vitest'
import { openApi } from '../testing/api.ts'
import { anomaly, notification } from '../testing/records.ts'
import { labelled } from '../testing/score-batch.ts'

const text = async (url: string) => {
  const api = await openApi()
  const labels = labelled('=cmd|calc', { quote: '"', line: 'a\nb' })
  await api.history.record({
    anomalies: Array.from({ length: 2300 }, (_, i) =>
      anomaly({
        id: `r${i}`,
        episodeId: `e${i}`,
        labels,
        startedAtMs: 10_000 + Math.floor(i / 7),
        value: i % 2 ? Number.NaN : i,
      }),
    ),
    notifications: [notification({ id: 'n1', alertId: 'e1' })],
    judgements: [],
  })
  const { statusCode, headers, body } = await api.http.inject(url)
  return { statusCode, headers, body }
}

describe('export', () => {
  test('CSV: a row per anomaly, newest first, whatever the labels say', async () => {
    const { headers, body } = await text('/api/v1/export/anomalies?from=10000')
    expect(headers['content-type']).toBe('text/csv; charset=utf-8')
    expect(headers['content-disposition']).toBe('attachment; filename="lapwing-anomalies.csv"')
    expect(body.split('\n')[0]).toMatch(/^started,ended,series,state/)
    const rows = body.split('"\n').slice(0, -1)
    expect(rows).toHaveLength(2300)
    expect(new Set(rows.map((row) => /"(e\d+)","$/.exec(row)?.[1])).size).toBe(2300)
    expect(rows[0]).toContain(`"'=cmd|calc{line=""a\\nb"",quote=""\\""""}"`)
    expect(rows.find((row) => row.endsWith('"e1","'))).toMatch(/,"slack","e1","$/)
  })

  test('JSON: an array of what the API answers', async () => {
    const { headers, body } = await text('/api/v1/export/anomalies?format=json')
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    const anomalies = JSON.parse(body)
    expect(anomalies).toHaveLength(2301)
    expect(anomalies.at(-1)).toMatchObject({ episodeId: 'a', notifications: [{ reason: 'muted' }] })
  })

  test('says why what has ended did', async () => {
    const { http, history } = await openApi()
    const ended = anomaly({ id: 'g/2', episodeId: 'g', state: 'resolved', endedAtMs: 9000, startedAtMs: 8000, value: Number.NaN })
    await history.record({ anomalies: [ended], notifications: [], judgements: [] })
    expect((await http.inject('/api/v1/anomalies/g')).json().anomaly).toMatchObject({ endReason: 'series_gone' })
    const rows = (await http.inject('/api/v1/export/anomalies?from=8000')).body.trim().split('\n')
    expect(rows[0]).toMatch(/,episode,end_reason$/)
    expect(rows[1]).toMatch(/,"g","series_gone"$/)
  })

  test('of nothing is a header, or an empty array', async () => {
    expect((await text('/api/v1/export/anomalies?to=1')).body.trim().split('\n')).toHaveLength(1)
    expect(JSON.parse((await text('/api/v1/export/anomalies?to=1&format=json')).body)).toEqual([])
  })
})
