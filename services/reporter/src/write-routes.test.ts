import { decode } from '@lapwing/contracts/codec'
import { partitionOf } from '@lapwing/contracts/series'
import { topicName } from '@lapwing/contracts/topics'
import { describe, expect, test } from 'vitest'
import { type ApiUnderTest, openApi, opened } from '../testing/api.ts'

const reader = 'reader-token-0123456789'
const writer = 'writer-token-0123456789'

const post = async ({ http }: ApiUnderTest, body: object, headers: Record<string, string> = {}, path = 'anomalies/a/verdict') => {
  const request = {
    method: 'POST',
    url: `/api/v1/${path}`,
    payload: body,
    headers: { host: 'localhost:8080', ...headers },
  } as const
  const response = await http.inject(request)
  return { status: response.statusCode, headers: response.headers, body: response.body === '' ? null : response.json() }
}

const said = async ({ log }: ApiUnderTest) =>
  (await log.readToEnd(topicName('test', 'feedback'))).map(({ value, partition, key }) => {
    return { ...decode('Feedback', value!), partition, key: Buffer.from(key!).toString() }
  })

describe('verdict', () => {
  test('is a record on the log, beside the anomaly it is about', async () => {
    const api = await openApi()
    const { status, body } = await post(api, { verdict: 'false_alarm', author: 'ann', comment: 'backup' })
    expect(status).toBe(202)
    expect(body).toMatchObject({ verdict: 'false_alarm', author: 'ann', origin: 'page', anomalyId: 'a/open', atMs: 5000 })
    expect(await said(api)).toEqual([
      {
        ...{ id: body.id, anomalyId: 'a/open', episodeId: 'a', seriesKey: opened.seriesKey, startedAtMs: 2000 },
        ...{
          verdict: 'false_alarm',
          author: 'ann',
          comment: 'backup',
          origin: 'page',
          atMs: 5000,
          untilMs: null,
          signature: null,
        },
        ...{ partition: partitionOf(Buffer.from(opened.entityKey, 'hex'), 2), key: 'a/open' },
      },
    ])
  })

  test('may hold for a time', async () => {
    const api = await openApi()
    expect((await post(api, { verdict: 'expected', forMs: 60_000 })).status).toBe(202)
    expect((await said(api))[0]).toMatchObject({ verdict: 'expected', untilMs: 65_000, author: 'page' })
  })

  test.each([
    [{ verdict: 'expected' }, 409, /forMs is needed/],
    [{ verdict: 'confirmed', forMs: 60_000 }, 409, /for good/],
    [{ verdict: 'nonsense' }, 400, /^verdict: /],
    [{ verdict: 'confirmed', colour: 'red' }, 400, /colour/],
    [{ verdict: 'confirmed', comment: 'x'.repeat(2001) }, 400, /^comment: /],
  ])('%j is refused, and nothing is written', async (body, status, why) => {
    const api = await openApi()
    const answer = await post(api, body)
    expect(answer).toMatchObject({ status, body: { error: expect.stringMatching(why) } })
    expect(await said(api)).toEqual([])
  })

  test('on an anomaly that is not there is 404', async () => {
    expect((await post(await openApi(), { verdict: 'confirmed' }, {}, 'anomalies/nobody/verdict')).status).toBe(404)
  })

  test('of a level that has gone is refused', async () => {
    const api = await openApi()
    const resolved = { ...opened, id: 'a/end', state: 'resolved' as const, observedAtMs: 4_000_000, endedAtMs: 4_000_000 }
    await api.history.record({ anomalies: [resolved], notifications: [], judgements: [] })
    expect(await post(api, { verdict: 'new_normal' })).toMatchObject({
      status: 409,
      body: { error: expect.stringMatching(/ended/) },
    })
  })
})

describe('change of a model', () => {
  test('is a control record on the partition of the version', async () => {
    const api = await openApi()
    const answer = await post(api, { change: 'rollback', reason: 'it is loud at night' }, {}, 'models/m%2F1/change')
    expect(answer).toMatchObject({ status: 202, body: { id: expect.stringMatching(/^[0-9a-f]{32}$/) } })
    const [record] = await api.log.readToEnd(topicName('test', 'control'))
    expect(record?.partition).toBe(1)
    expect(decode('Control', record!.value!)).toMatchObject({
      ...{ id: answer.body.id, kind: 'rollback', scope: 'model:m/1', reason: 'it is loud at night', requestedBy: 'person' },
    })
  })

  test.each([
    [{ change: 'promote', reason: 'x' }, 'm%2F1', 409, /would change nothing/],
    [{ change: 'rollback', reason: 'x' }, 'nobody', 404, /no such version/],
    [{ change: 'rollback', reason: '' }, 'm%2F1', 400, /^reason: /],
  ])('%j of %s is refused', async (body, id, status, why) => {
    const api = await openApi()
    const answer = await post(api, body, {}, `models/${id}/change`)
    expect(answer).toMatchObject({ status, body: { error: expect.stringMatching(why) } })
    expect(await api.log.readToEnd(topicName('test', 'control'))).toEqual([])
  })
})

describe('access', () => {
  const confirmed = { verdict: 'confirmed' }

  test('without tokens a browser writes from this page only, and only on this machine', async () => {
    const local = await openApi()
    expect((await post(local, confirmed, { origin: 'http://localhost:8080' })).status).toBe(202)
    expect((await post(local, confirmed, { origin: 'http://evil.example' })).status).toBe(403)
    expect((await post(local, confirmed, { host: 'evil.example', origin: 'http://evil.example' })).status).toBe(403)
    const open = await openApi({}, '0.0.0.0')
    expect(await post(open, confirmed)).toMatchObject({ status: 403, body: { error: expect.stringMatching(/reporter\.tokens/) } })
    expect((await open.http.inject('/api/v1/anomalies')).statusCode).toBe(200)
  })

  test('with tokens each request needs one with its scope', async () => {
    const api = await openApi({ [reader]: ['read'], [writer]: ['read', 'write'] }, '0.0.0.0')
    const read = (headers: Record<string, string>) => api.http.inject({ url: '/api/v1/anomalies', headers })
    const refused = await read({})
    expect(refused.statusCode).toBe(401)
    expect(refused.headers['www-authenticate']).toBe('Bearer realm="lapwing"')
    expect((await read({ authorization: 'Bearer wrong' })).statusCode).toBe(401)
    expect((await read({ authorization: `Bearer ${reader}` })).statusCode).toBe(200)
    const asReader = await post(api, confirmed, { authorization: `Bearer ${reader}` })
    expect(asReader).toMatchObject({ status: 403, body: { error: 'the token person-0 has no scope write' } })
    expect(await post(api, confirmed, { authorization: `bearer ${writer}` })).toMatchObject({
      status: 202,
      body: { author: 'person-1' },
    })
    for (const path of ['events', 'overview', 'export/anomalies', 'series']) {
      expect((await api.http.inject(`/api/v1/${path}`)).statusCode).toBe(401)
    }
    expect((await api.http.inject('/api/v1/openapi.json')).statusCode).toBe(200)
  })

  test('the page hands its token in once and keeps it where no script can read it', async () => {
    const api = await openApi({ [reader]: ['read'], [writer]: ['read', 'write'] })
    expect((await post(api, { token: 'wrong' }, {}, 'session')).status).toBe(401)
    const session = await post(api, { token: writer }, {}, 'session')
    expect(session.status).toBe(204)
    const cookie = String(session.headers['set-cookie'])
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/api$/)
    const withCookie = { cookie: cookie.split(';')[0]! }
    expect((await api.http.inject({ url: '/api/v1/series', headers: withCookie })).statusCode).toBe(200)
    expect((await post(api, confirmed, withCookie)).status).toBe(202)
    expect((await post(api, confirmed, { ...withCookie, origin: 'http://evil.example' })).status).toBe(403)
    const ended = await api.http.inject({ method: 'DELETE', url: '/api/v1/session' })
    expect(String(ended.headers['set-cookie'])).toMatch(/^lapwing_token=; Max-Age=0/)
  })
})
