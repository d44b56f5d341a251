/**
 * The first minutes of a stranger: clone, `npm start`, a page with an anomaly on it, Ctrl-C and nothing left behind.
 *
 * Once on Kafka, once on the log within the process. The clone is of what is committed.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '@lapwing/kafka-server/free-port'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { type LapwingProcess, processesWith, startLapwing } from './lapwing-process.ts'
import { missingPrograms, programs } from './servers.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const clone = mkdtempSync(join(tmpdir(), 'lapwing-clone-'))
const services = ['INGESTOR', 'DETECTOR', 'TRAINER', 'DRIFT', 'ALERTER', 'REPORTER']
const withoutBrowser = missingPrograms(['chromium']).length > 0
if (withoutBrowser) process.stderr.write(`skipped: pictures of the page need ${programs.chromium}\n`)

beforeAll(() => {
  execFileSync('git', ['clone', '--quiet', root, clone])
})
afterAll(() => rmSync(clone, { recursive: true, force: true }))

/** With free ports: whoever has a Lapwing running has the usual ones taken. */
async function environmentOf(log: string): Promise<Record<string, string>> {
  const ports = await Promise.all(services.map(async (service) => [`LAPWING__${service}__PORT`, String(await freePort())]))
  return { LAPWING_LOG: log, ...Object.fromEntries(ports) }
}

describe.each([
  { log: 'kafka', says: /Kafka/ },
  { log: 'in-process', says: /within the process/ },
])('npm start on a fresh clone, log: $log', ({ log, says }) => {
  let lapwing: LapwingProcess & { readonly mark: string }
  let startedMs = 0
  let page = ''
  let detectorPort = ''

  beforeAll(async () => {
    const environment = await environmentOf(log)
    detectorPort = environment.LAPWING__DETECTOR__PORT!
    startedMs = performance.now()
    lapwing = startLapwing({ command: 'npm', args: ['start'], folder: clone, environment })
  })
  afterAll(() => lapwing.interrupt())

  test('says what it uses and where the page is', async () => {
    page = await lapwing.said('page', 120_000)
    expect(await lapwing.said('log', 1000)).toMatch(says)
    expect(await lapwing.said('source', 1000)).toMatch(/demo workload/)
    expect((await fetch(page)).status).toBe(200)
  })

  test('the first anomaly that a person should see is there within two minutes of the start', async () => {
    await eventually(
      async () => {
        const metrics = await (await fetch(`${page}/metrics`)).text()
        const counts = [...metrics.matchAll(/^lapwing_anomalies_total\{severity="(?:warning|critical)".*\} (\d+)$/gm)].map(
          ([, count]) => Number(count),
        )
        return counts.reduce((sum, count) => sum + count, 0) > 0
      },
      { what: `an anomaly is counted\n${lapwing.output()}`, deadlineMs: 120_000 - (performance.now() - startedMs) },
    )
  })

  test.skipIf(withoutBrowser)('a person sees it', async () => {
    const browser = await chromium.launch({ executablePath: programs.chromium, args: chromiumFlags })
    try {
      const view = await browser.newPage({ viewport: { width: 1400, height: 900 } })
      await view.goto(page)
      await view
        .getByText(/warning|critical/)
        .first()
        .waitFor({ timeout: 30_000 })
      await view.locator('canvas').first().waitFor({ timeout: 30_000 })
      const pictures = join(root, '.cache', 'pictures')
      mkdirSync(pictures, { recursive: true })
      await view.screenshot({ path: join(pictures, `start-${log}.png`) })
      expect(existsSync(join(pictures, `start-${log}.png`))).toBe(true)
    } finally {
      await browser.close()
    }
  })

  test.skipIf(withoutBrowser)('what a person says of it on the page reaches the detector', async () => {
    const browser = await chromium.launch({ executablePath: programs.chromium, args: chromiumFlags })
    try {
      const view = await browser.newPage({ viewport: { width: 1400, height: 900 } })
      await view.goto(page)
      await view.locator('.anomaly').first().getByRole('button').click({ timeout: 30_000 })
      await view.getByRole('button', { name: 'False alarm' }).click({ timeout: 30_000 })
      await view.getByText(/false alarm by/).waitFor({ timeout: 30_000 })
      await eventually(
        async () => {
          const metrics = await (await fetch(`http://127.0.0.1:${detectorPort}/metrics`)).text()
          return /^lapwing_detector_verdicts_total\{.*verdict="false_alarm".*outcome="applied".*\} [1-9]/m.test(metrics)
        },
        { what: 'the detector has applied the verdict', deadlineMs: 60_000 },
      )
    } finally {
      await browser.close()
    }
  })

  test('no service has anything to complain about', () => {
    expect(lapwing.output()).not.toMatch(/error:|fatal:|starting it again/)
  })

  test('Ctrl-C ends it in order and leaves no process', async () => {
    expect(await lapwing.interrupt()).toBe(0)
    await eventually(() => processesWith(lapwing.mark).length === 0, {
      what: `no process is left, but: ${processesWith(lapwing.mark).join('\n')}`,
      deadlineMs: 15_000,
    })
    expect(lapwing.output()).toMatch(/Stopped\.\n$/)
  })
})

test('when the Kafka that it started dies it says so, stops what it started, and ends', async ({ skip }) => {
  const lapwing = startLapwing({ command: 'npm', args: ['start'], folder: clone, environment: await environmentOf('kafka') })
  await lapwing.said('page', 120_000)
  const isOwnProcess = /from its jars/.test(await lapwing.said('log', 1000))
  const jvm = processesWith(lapwing.mark).find((line) => /^\d+ \S*java .* kafka\.Kafka /.test(line))
  if (jvm) process.kill(Number.parseInt(jvm, 10), 'SIGKILL')
  else await lapwing.interrupt()
  await eventually(() => processesWith(lapwing.mark).length === 0, {
    what: () => `no process is left, but: ${processesWith(lapwing.mark).join('\n')}\n${lapwing.output()}`,
    deadlineMs: 60_000,
  })
  skip(!isOwnProcess, 'its Kafka is none of its processes')
  expect(jvm).toBeDefined()
  expect(lapwing.output()).toMatch(/Kafka has ended by itself: stopping …[\s\S]*Stopped\.\n$/)
  expect(await lapwing.interrupt()).toBe(1)
})

const chromiumFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
