/** Scheduled reports on a log in memory, with a webhook and a real SMTP server that fail at first. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encode } from '@lapwing/contracts/codec'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { readHistory } from '@lapwing/reports/history-file'
import { simulatedMonth } from '@lapwing/reports/testing/simulated-month'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLedger } from './report-ledger.ts'
import { type ReportSettings, reportsSchema } from './report-settings.ts'
import { reportTargets } from './report-targets.ts'
import { makeDueReports, type ScheduledReports } from './scheduled-reports.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-reports-'))
const log = createInProcessLog()
const posted: { text: string }[] = []
/** What was put into the bucket, by its path. */
const objects = new Map<string, Buffer>()
let bucket: Server
const mails: string[] = []
let webhook: Server
let smtp: SMTPServer
let isSlackAway = true
let settings: ReportSettings

beforeAll(async () => {
  await log.ensureTopics(topicSpecs('lapwing', 1))
  const { records } = simulatedMonth(7)
  const producer = await log.producer()
  const place = { partition: 0, key: null }
  await producer.send(
    records.anomalies.map((one) => ({ ...place, topic: topicName('lapwing', 'anomalies'), value: encode('Anomaly', one) })),
  )
  await producer.send(
    records.notifications.map((one) => ({
      ...place,
      topic: topicName('lapwing', 'notifications'),
      value: encode('Notification', one),
    })),
  )
  webhook = createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += String(part)
    response.statusCode = isSlackAway ? 503 : 200
    if (!isSlackAway) posted.push(JSON.parse(body))
    response.end('ok')
  })
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve))
  bucket = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const isSigned = request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential=lapwing/')
    if (request.method === 'PUT' && isSigned) objects.set(request.url!, Buffer.concat(parts))
    response.writeHead(isSigned ? 200 : 403).end()
  })
  await new Promise<void>((resolve) => bucket.listen(0, '127.0.0.1', resolve))
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (stream, _session, done) => {
      let text = ''
      stream.on('data', (part) => {
        text += String(part)
      })
      stream.on('end', () => {
        mails.push(text)
        done()
      })
    },
  })
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve))
  const port = (server: { address(): unknown }) => (server.address() as AddressInfo).port
  settings = reportsSchema.parse({
    schedule: { daily: '0 6 * * *', monthly: '0 6 1 * *' },
    folder,
    slack_webhook_url: `http://127.0.0.1:${port(webhook)}/T0/secret`,
    mail: { smtp_url: `smtp://127.0.0.1:${port(smtp.server)}`, from: 'lapwing@example.org', to: ['ops@example.org'] },
    folder_url: 'https://reports.example.org',
    bucket: {
      ...{ endpoint: `http://127.0.0.1:${port(bucket)}`, bucket: 'ops', prefix: 'reports/' },
      ...{ access_key_id: 'lapwing', secret_access_key: 'secret-of-the-bucket' },
    },
  })
})
afterAll(async () => {
  webhook.close()
  bucket.close()
  await new Promise<void>((resolve) => smtp.close(resolve))
  rmSync(folder, { recursive: true, force: true })
})

const steps: string[] = []

function makeDue(time: string): Promise<boolean> {
  const options: ScheduledReports = {
    ...{ settings, log, prefix: 'lapwing', budgets: [], signal: new AbortController().signal },
    coverage: () => ({ series: 1, byState: [['ok', 1]] }),
    now: () => Date.parse(time),
    onReport: ({ name }, step, error) => void steps.push(`${name} ${step} ${error ? error.message : 'done'}`),
  }
  return makeDueReports(options, openLedger(folder), reportTargets(settings))
}

describe('scheduled reports', () => {
  test('that were missed are made, put into the folder and sent; what failed is said without the secret address', async () => {
    expect(await makeDue('2026-03-12T06:00:00Z')).toBe(false)
    // The month before had nothing in it, and was before Lapwing.
    expect(readdirSync(folder).filter((file) => file.endsWith('.html'))).toEqual(
      ['05', '06', '07', '08', '09', '10', '11'].map((day) => `lapwing-daily-2026-03-${day}.html`),
    )
    expect(objects.size).toBe(14)
    const name = 'lapwing-daily-2026-03-05.html'
    expect(objects.get(`/ops/reports/${name}`)).toEqual(readFileSync(join(folder, name)))
    expect(mails).toHaveLength(7)
    expect(mails[0]).toMatch(/Subject: Lapwing daily 2026-03-05: \d+ incidents/)
    expect(mails[0]).toContain('lapwing-daily-2026-03-05.html')
    expect(posted).toEqual([])
    expect(steps).toContain('2026-03-05 slack Slack answered 503')
    expect(steps.join()).not.toContain('secret')
  })

  test('what failed is tried again, what arrived is not sent twice', async () => {
    isSlackAway = false
    expect(await makeDue('2026-03-12T06:10:00Z')).toBe(true)
    expect([posted.length, mails.length]).toEqual([7, 7])
    expect(posted[0]!.text).toMatch(
      /^Lapwing daily 2026-03-05: \d+ incidents\n[\s\S]*<https:\/\/reports.example.org\/lapwing-daily-2026-03-05.html\|Report>$/,
    )
    expect(await makeDue('2026-03-12T06:20:00Z')).toBe(true)
    expect([posted.length, mails.length]).toEqual([7, 7])
  })

  test('keep how accurate each period was, once, for comparison', () => {
    const names = readHistory(join(folder, 'evaluations.jsonl')).map(({ name }) => name)
    expect(names).toEqual(['05', '06', '07', '08', '09', '10', '11'].map((day) => `daily 2026-03-${day}`))
    expect(readFileSync(join(folder, 'lapwing-daily-2026-03-11.html'), 'utf8')).toContain('Over time')
  })

  test('the same report has the same bytes, whoever makes it', async () => {
    const before = readFileSync(join(folder, 'lapwing-daily-2026-03-05.html'))
    rmSync(join(folder, 'lapwing-daily-2026-03-05.json'))
    await makeDue('2026-03-12T06:30:00Z')
    expect(readFileSync(join(folder, 'lapwing-daily-2026-03-05.html')).equals(before)).toBe(true)
  })
})
