/** Scores written back to a real Prometheus, and to receivers that are away or refuse. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encode } from '@lapwing/contracts/codec'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../../../test/eventually.ts'
import { missingPrograms, startPrometheusServer } from '../../../test/servers.ts'
import { labelled, scoreBatch } from '../testing/score-batch.ts'
import { writeScores } from './score-writer.ts'

const missing = missingPrograms(['prometheus'])
const newestMs = Math.floor(Date.now() / 1000) * 1000
const samples = Array.from({ length: 5 }, (_, i) => ({ timestampMs: newestMs - (4 - i) * 1000, value: i, score: i / 2 }))

async function writerTo(url: string) {
  const log = createInProcessLog()
  await log.ensureTopics([{ topic: 'scores', partitions: 2, cleanup: 'delete', retentionMs: undefined }])
  const told = { written: 0, refused: [] as string[], errors: [] as string[], fatal: [] as Error[] }
  const closing = new AbortController()
  const consumption = await writeScores({
    ...{ log, topic: 'scores', group: 'g', url: new URL(url), bearerToken: 'a token', signal: closing.signal },
    onWritten: (count) => {
      told.written += count
    },
    onRefused: (_, why) => told.refused.push(why),
    onWriteError: (why) => told.errors.push(why),
    onDamaged: (error) => told.fatal.push(error),
    onFatal: (error) => told.fatal.push(error),
  })
  onTestFinished(async () => {
    closing.abort()
    await consumption.stop()
  })
  const producer = await log.producer()
  const send = async (metric: string) => {
    const value = encode('ScoreBatch', scoreBatch([{ labels: labelled(metric, { instance: 'a:1' }), samples }]))
    await producer.send([{ topic: 'scores', partition: 0, key: null, value }])
  }
  return { told, send }
}

test.skipIf(missing.length > 0)('a Prometheus has score and band of every sample, at its time', { timeout: 60_000 }, async () => {
  const prometheus = await startPrometheusServer({ config: {}, flags: ['--web.enable-remote-write-receiver'] })
  onTestFinished(() => prometheus.stop())
  const { told, send } = await writerTo(`${prometheus.url}/api/v1/write`)
  await send('load')
  await eventually(() => told.written === 20, { what: 'all are written', deadlineMs: 30_000 })
  const query = new URLSearchParams({ query: '{metric="load"}[1m]', time: String(newestMs / 1000) })
  const { data } = (await (await fetch(`${prometheus.url}/api/v1/query?${query}`)).json()) as {
    data: { result: { metric: Record<string, string>; values: [number, string][] }[] }
  }
  const found = new Map(data.result.map(({ metric, values }) => [metric.__name__, { metric, values }]))
  expect([...found.keys()].sort()).toEqual([
    'lapwing_anomaly_score',
    'lapwing_expected_lower',
    'lapwing_expected_upper',
    'lapwing_expected_value',
  ])
  const score = found.get('lapwing_anomaly_score')!
  expect(score.metric).toMatchObject({ instance: 'a:1', query: 'remote-write', model: 'half-space-trees:test' })
  expect(score.values).toEqual(samples.map(({ timestampMs, score }) => [timestampMs / 1000, String(score)]))
  await send('load')
  await eventually(() => told.written + told.refused.length > 20, {
    what: 'a repetition is taken, or refused',
    deadlineMs: 30_000,
  })
  expect(told.fatal).toEqual([])
})

test('a receiver that fails is tried again, one that refuses is not', { timeout: 60_000 }, async () => {
  const answers = [500, 429, 204, 400, 204]
  const seen: { status: number; authorization: string | undefined }[] = []
  const server: Server = createServer((request, response) => {
    request.resume()
    request.once('end', () => {
      const status = answers.shift() ?? 204
      seen.push({ status, authorization: request.headers.authorization })
      response
        .writeHead(status, status === 429 ? { 'retry-after': '1' } : {})
        .end(status === 400 ? `out of order, ${request.headers.authorization}` : '')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { told, send } = await writerTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/write`)
  for (const metric of ['first', 'second', 'third']) {
    const before = told.written + 20 * told.refused.length
    await send(metric)
    await eventually(() => told.written + 20 * told.refused.length > before, { what: `${metric} is through`, deadlineMs: 30_000 })
  }
  expect(seen.map(({ status }) => status)).toEqual([500, 429, 204, 400, 204])
  expect(new Set(seen.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer a token']))
  expect(told).toMatchObject({ written: 40, refused: ['HTTP 400 out of order, Bearer [secret]'], fatal: [] })
  expect(told.errors).toHaveLength(2)
})
