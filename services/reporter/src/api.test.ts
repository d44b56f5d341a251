import type { FastifyInstance } from 'fastify'
import { beforeEach, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { seriesKey as key, openApi } from '../testing/api.ts'
import {
  anomalyDetailSchema,
  anomalySchema,
  modelsSchema,
  overviewSchema,
  precisionSchema,
  seriesDetailSchema,
  seriesListSchema,
  settingsSchema,
} from './api-model.ts'

let http: FastifyInstance

beforeEach(async () => {
  http = (await openApi()).http
})

const get = async (url: string) => {
  const response = await http.inject(url)
  return { status: response.statusCode, body: response.json() }
}

describe('API', () => {
  test('overview', async () => {
    const { body } = await get('/api/v1/overview')
    expect(body).toMatchObject({
      log: 'in-process',
      openAnomalies: 1,
      lagSeconds: 2,
      series: { shown: 1, ended: 0, notShown: 0, byState: { ok: 1 } },
    })
  })

  test('series, found by a label', async () => {
    const { body } = await get('/api/v1/series?search=checkout&limit=5')
    expect(body).toMatchObject({
      total: 1,
      matching: 1,
      series: [{ key, text: 'latency{service="checkout"}', value: 3, recent: [1, 2, 3] }],
    })
  })

  test('one series with points, anomalies and drift; later only what is newer', async () => {
    const { body } = await get(`/api/v1/series/${key}`)
    expect(body).toMatchObject({
      points: { timestampsMs: [1000, 2000, 3000], values: [1, 2, 3] },
      anomalies: [{ episodeId: 'a', notifications: [{ outcome: 'suppressed', reason: 'muted' }] }],
      drift: [{ id: 'r', detector: 'adwin', atMs: 2500 }],
    })
    expect((await get(`/api/v1/series/${key}?after=2000`)).body.points.timestampsMs).toEqual([3000])
  })

  test('anomalies, by state and time', async () => {
    expect((await get('/api/v1/anomalies?state=open')).body).toHaveLength(1)
    expect((await get('/api/v1/anomalies?state=resolved')).body).toHaveLength(0)
    expect((await get('/api/v1/anomalies?from=1970-01-01T00:00:02Z')).body).toHaveLength(1)
    expect((await get('/api/v1/anomalies?from=2001')).body).toHaveLength(0)
  })

  test('one anomaly with its records', async () => {
    expect((await get('/api/v1/anomalies/a')).body).toMatchObject({
      anomaly: { episodeId: 'a' },
      steps: [{ id: 'a/open', state: 'open' }],
      pods: [],
    })
  })

  test.each([
    ['/api/v1/series?limit=0', /^limit: /],
    ['/api/v1/series?limit=many', /^limit: /],
    ['/api/v1/series?serach=x', /serach/],
    ['/api/v1/series?state=broken', /^state: /],
    ['/api/v1/series/zz', /^key: expected 32 hexadecimal digits/],
    ['/api/v1/anomalies?from=yesterday', /^from: expected milliseconds/],
    ['/api/v1/anomalies?from=2026-01-31', /^from: expected milliseconds/],
    ['/api/v1/overview?x=1', /x/],
  ])('%s is refused with the reason', async (url, reason) => {
    const { status, body } = await get(url)
    expect(status).toBe(400)
    expect(body.error).toMatch(reason)
  })

  test('what is unknown is 404', async () => {
    expect(await get(`/api/v1/series/${'0'.repeat(32)}`)).toMatchObject({
      status: 404,
      body: { error: expect.stringMatching(/no such series/) },
    })
    expect((await get('/api/v1/anomalies/nobody')).status).toBe(404)
  })

  test.each<[string, z.ZodType]>([
    ['overview', overviewSchema],
    ['series', seriesListSchema],
    [`series/${key}`, seriesDetailSchema],
    ['anomalies', anomalySchema.array()],
    ['anomalies/a', anomalyDetailSchema],
    ['precision', precisionSchema],
    ['models', modelsSchema],
    ['settings', settingsSchema],
  ])('%s answers what its schema says, and nothing else', async (path, schema) => {
    const { status, body } = await get(`/api/v1/${path}`)
    expect(status).toBe(200)
    expect(schema.parse(body)).toEqual(body)
  })

  test('the OpenAPI document tells of every route, and of what it takes', async () => {
    const { body } = await get('/api/v1/openapi.json')
    expect(body.openapi).toBe('3.1.0')
    expect(Object.keys(body.paths).sort()).toMatchInlineSnapshot(`
      [
        "/api/v1/anomalies",
        "/api/v1/anomalies/{episodeId}",
        "/api/v1/anomalies/{episodeId}/mute",
        "/api/v1/anomalies/{episodeId}/mutes",
        "/api/v1/anomalies/{episodeId}/verdict",
        "/api/v1/events",
        "/api/v1/explore",
        "/api/v1/export/anomalies",
        "/api/v1/models",
        "/api/v1/models/{modelId}/change",
        "/api/v1/mutes",
        "/api/v1/mutes/{id}/lift",
        "/api/v1/overview",
        "/api/v1/precision",
        "/api/v1/series",
        "/api/v1/series/{key}",
        "/api/v1/session",
        "/api/v1/settings",
      ]
    `)
    const verdict = body.paths['/api/v1/anomalies/{episodeId}/verdict'].post
    expect(verdict.requestBody.content['application/json'].schema.properties.verdict.enum).toContain('false_alarm')
    const [state] = body.paths['/api/v1/anomalies'].get.parameters
    expect(state).toMatchObject({ name: 'state', in: 'query', schema: { enum: ['open', 'resolved'] } })
  })

  test('a client too many is told to come back', async () => {
    const response = await http.inject('/api/v1/events')
    expect(response.statusCode).toBe(503)
    expect(response.headers['retry-after']).toBe('10')
  })

  test('every answer forbids what the page does not need, the errors too', async () => {
    for (const url of ['/api/v1/overview', '/api/v1/series?limit=0', '/nowhere']) {
      const { headers } = await http.inject(url)
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/)
      expect(headers['x-content-type-options']).toBe('nosniff')
    }
  })
})
