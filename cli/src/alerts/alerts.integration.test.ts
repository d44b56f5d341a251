/** What the alerter left on the log, as the command line tells it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTestAlerter } from '@lapwing/alerter/testing/alerter'
import { anomalyRecord, prefix, sendAnomalies, sendVerdict } from '@lapwing/alerter/testing/anomalies'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Deployment } from '../topics/open-log.ts'
import { explainAlert, showAlert } from './explain-alert.ts'
import { listAlerts } from './list-alerts.ts'
import { whatIf } from './what-if.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-alerts-'))
const log = createInProcessLog()
const patience = { timeout: 50_000, interval: 50 }
const startedAtMs = Date.now() - 600_000
const at = (id: string, instance: string) => ({
  ...{ episodeId: id, seriesKey: id, startedAtMs, observedAtMs: startedAtMs },
  labels: [
    { name: '__name__', value: 'node_load1' },
    { name: 'instance', value: instance },
  ],
})
let stop = async () => {}

beforeAll(async () => {
  const mutes = join(folder, 'mutes.yaml')
  const [from, to] = [-1, 1].map((days) => new Date(Date.now() + days * 86_400_000).toISOString())
  writeFileSync(
    mutes,
    `mutes: [{id: move, matchers: ['instance="db-1"'], starts_at: ${from}, ends_at: ${to}, author: ada, comment: moving}]`,
  )
  stop = (await startTestAlerter(log, { mutes_file: mutes })).stop
  const endedAtMs = startedAtMs + 60_000
  await sendAnomalies(
    log,
    anomalyRecord({ ...at('loud', 'web-1'), id: 'loud/1', severity: 'critical' }),
    anomalyRecord({ ...at('muted', 'db-1'), id: 'muted/1' }),
    anomalyRecord({ ...at('over', 'web-2'), id: 'over/1' }),
    anomalyRecord({ ...at('over', 'web-2'), id: 'over/2', state: 'resolved', observedAtMs: endedAtMs, endedAtMs }),
  )
  await sendVerdict(log, anomalyRecord({ ...at('over', 'web-2'), id: 'over/1' }), { author: 'ann', comment: 'nightly backup' })
  await vi.waitFor(
    async () => expect(await output((deployment) => explainAlert(deployment, 'muted', false))).toContain('move'),
    patience,
  )
  await vi.waitFor(
    async () => expect(await output((deployment) => explainAlert(deployment, 'over', false))).toContain('log:'),
    patience,
  )
})
afterAll(async () => {
  await stop()
  rmSync(folder, { recursive: true })
})

async function output(command: (deployment: Deployment) => Promise<void>): Promise<string> {
  let text = ''
  await command({
    ...{ log, prefix },
    write: (part) => {
      text += part
    },
  })
  return text
}

describe('alerts', () => {
  test('list shows what fires, the most severe first, and with --all what ended too', async () => {
    const ids = async (all: boolean) =>
      (await output((deployment) => listAlerts(deployment, { all, json: true })))
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: string }).id)
    expect(await ids(false)).toEqual(['loud', 'muted'])
    expect(await ids(true)).toEqual(['loud', 'muted', 'over'])
    const ends = (await output((deployment) => listAlerts(deployment, { all: true, json: true }))).matchAll(
      /"endReason":"(\w*)"/g,
    )
    expect([...ends].map(([, end]) => end)).toEqual(['', '', 'normal_again'])
    expect(await output((deployment) => showAlert(deployment, 'over', false))).toMatch(
      /until 20\S+, because the series was normal again\n/,
    )
    expect(await output((deployment) => listAlerts(deployment, { all: false, json: false }))).toMatch(
      /^ID +STATE[^\n]*\nloud +firing +critical [^\n]*instance=web-1/,
    )
  })

  test('show tells what each receiver was told, and what holds it', async () => {
    const text = await output((deployment) => showAlert(deployment, 'muted', false))
    expect(text).toContain('firing at warning since')
    expect(text).toContain('log was told nothing; held: it is muted; 1 records pending')
    expect(await output((deployment) => showAlert(deployment, 'loud', false))).toMatch(
      /log was told firing at critical \(20.*0 records pending/,
    )
  })

  test('explain says step by step why it was told, or why not', async () => {
    const told = await output((deployment) => explainAlert(deployment, 'loud', false))
    expect(told).toMatch(
      /passed on, because it began \(new\); route default\.\n.*log: firing at critical delivered, because it began \(new\)\n$/,
    )
    const muted = await output((deployment) => explainAlert(deployment, 'muted', false))
    expect(muted).toMatch(/log: firing at warning waits, because it is muted \(muted\): move by ada: moving\n$/)
    expect(await output((deployment) => explainAlert(deployment, 'over', false))).toContain(
      'A verdict from cli: false alarm, says ann: nightly backup.',
    )
    const over = await output((deployment) => explainAlert(deployment, 'over', true))
    expect(
      over
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { reason: string }).reason),
    ).toContain('resolved')
  })

  test('an id that nobody has, or several begin with, is told with what to do', async () => {
    await expect(output((deployment) => explainAlert(deployment, 'absent', false))).rejects.toThrow('alerts list --all')
    await expect(output((deployment) => showAlert(deployment, '', false))).rejects.toThrow('Several alerts')
  })

  test('what-if says which notifications another configuration would add and remove', async () => {
    const file = (name: string, alerter: object) => {
      writeFileSync(join(folder, name), JSON.stringify({ alerter }))
      return join(folder, name)
    }
    const options = {
      current: file('now.yaml', {}),
      config: file('then.yaml', { minimum_severity: 'critical' }),
      sinceMs: 86_400_000,
    }
    const lines = (await output((deployment) => whatIf(deployment, { ...options, json: true }, Date.now()))).trim().split('\n')
    const changes = lines.map((line) => JSON.parse(line) as { change: string; incident: string; state: string })
    expect(changes.map(({ change, incident, state }) => `${change} ${incident} ${state}`).sort()).toEqual([
      'removed muted firing',
      'removed over firing',
      'removed over resolved',
    ])
    const text = await output((deployment) => whatIf(deployment, { ...options, json: false }, Date.now()))
    expect(text).toContain('4 anomaly records: 4 notifications now, 1 then.\n')
    expect(
      await output((deployment) => whatIf(deployment, { ...options, config: options.current, json: false }, Date.now())),
    ).toContain('No notification differs.')
  })
})
