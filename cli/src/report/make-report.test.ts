/** Reports of what lies on a log: the file, the picture, the numbers. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encode } from '@lapwing/contracts/codec'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { simulatedMonth } from '@lapwing/reports/testing/simulated-month'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log } from '@lapwing/stream/log'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeReport } from './make-report.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-report-'))
const log: Log = createInProcessLog()
const { records, happenings } = simulatedMonth(7)
const nowMs = Date.parse('2026-04-02T06:00:00Z')

beforeAll(async () => {
  await log.ensureTopics(topicSpecs('lapwing', 2))
  const producer = await log.producer()
  const place = { partition: 1, key: Buffer.from('k') }
  const anomalies = records.anomalies.map((anomaly) => ({
    ...place,
    topic: topicName('lapwing', 'anomalies'),
    value: encode('Anomaly', anomaly),
  }))
  const notifications = records.notifications.map((notification) => ({
    ...{ ...place, topic: topicName('lapwing', 'notifications') },
    value: encode('Notification', notification),
  }))
  // Each twice, as after a crash; and one that nobody can read.
  const damaged = { ...place, topic: topicName('lapwing', 'anomalies'), value: Buffer.from('damaged') }
  await producer.send([...anomalies, damaged, ...anomalies, ...notifications, ...notifications])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function output(flags: object): Promise<string> {
  let text = ''
  const write = (part: string) => {
    text += part
  }
  await makeReport({ log, prefix: 'lapwing', write }, { kind: 'monthly', json: false, ...flags }, nowMs)
  return text
}

describe('a report', () => {
  test('is of the last month that is over, each record once', async () => {
    const { period, figures } = JSON.parse(await output({ json: true }))
    expect(period.name).toBe('2026-03')
    expect(figures).toMatchObject({
      episodes: happenings.length,
      told: happenings.filter(({ outcome }) => outcome === 'told').length,
    })
  })

  test('is a file, with a picture beside it', async () => {
    const [file, png] = [join(folder, 'report.html'), join(folder, 'report.png')]
    expect(await output({ output: file, png })).toMatch(/report.html: \d+ incidents told of \d+ episodes, \d+ records spared/)
    expect(readFileSync(file, 'utf8')).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/)
    expect(readFileSync(png).subarray(1, 4).toString()).toBe('PNG')
  })

  test('of a day has what began on it', async () => {
    const { figures } = JSON.parse(await output({ kind: 'daily', date: '2026-03-10', json: true }))
    const [fromMs, toMs] = [Date.parse('2026-03-10'), Date.parse('2026-03-11')]
    expect(figures.episodes).toBe(happenings.filter((one) => one.fromMs >= fromMs && one.fromMs < toMs).length)
  })

  test('refuses what is no day', async () => {
    await expect(output({ date: 'yesterday' })).rejects.toThrow(/--date: expected a day such as 2026-03-01, found "yesterday"/)
  })
})
