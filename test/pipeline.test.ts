/**
 * The whole pipeline on real parts: a real Prometheus scrapes a real node exporter, the machine is burned for a minute, and a
 * real Alertmanager and a Slack webhook are told, then told that it is over. Kafka is the one that `lapwing start` finds.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startAlertmanager, type TestAlertmanager } from '@lapwing/alerter/testing/alertmanager'
import { type SlackTestReceiver, startSlackReceiver } from '@lapwing/alerter/testing/slack-receiver'
import { freePort } from '@lapwing/kafka-server/free-port'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { type LapwingProcess, processesWith, startLapwing } from './lapwing-process.ts'
import { missingPrograms, programs, type Server, startNodeExporter, startPrometheus } from './servers.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const missing = missingPrograms(['prometheus', 'nodeExporter', 'alertmanager'])
if (missing.length > 0) process.stderr.write(`skipped: the pipeline test needs ${missing.join(', ')}\n`)

const burnMs = 60_000
/** What the burners use, and how many wait to run: all that is used would also tell what else the machine does, before, meanwhile and afterwards. */
const queries = ['sum by (instance) (rate(node_cpu_seconds_total{mode="nice"}[5s]))', 'node_procs_running']
/** More at once than eight times what else may go on: of what a series did in its first minutes, so much is news. */
const burnersPerProcessor = 200

interface SeriesSummary {
  readonly text: string
  readonly state: string
  readonly score: number
  readonly upper: number | null
  readonly recent: readonly number[]
}

describe.skipIf(missing.length > 0)('from a CPU burn to Alertmanager and Slack', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-e2e-'))
  let alertmanager: TestAlertmanager
  let slack: SlackTestReceiver
  let lapwing: LapwingProcess & { mark: string }
  let page = ''
  const servers: Server[] = []

  beforeAll(async () => {
    alertmanager = await startAlertmanager(programs.alertmanager)
    slack = await startSlackReceiver()
    const prometheusPort = await freePort()
    const config = join(folder, 'lapwing.yaml')
    writeFileSync(
      config,
      JSON.stringify({
        metrics: queries,
        step: '1s',
        run_interval_seconds: 1,
        slack_webhook_url: slack.url,
        alertmanager_url: alertmanager.url,
        ingestor: { lateness: '2s' },
      }),
    )
    lapwing = startLapwing({
      command: process.execPath,
      args: ['lapwing', 'start', '--config', config, '--log', 'kafka'],
      folder: root,
      environment: { PROMETHEUS_URL: `http://127.0.0.1:${prometheusPort}`, XDG_STATE_HOME: folder },
    })
    page = await lapwing.said('page', 120_000)
    // Prometheus comes up only now, so that the start of five services is not part of what is usual for this machine.
    const exporter = await startNodeExporter()
    servers.push(exporter, await startPrometheus(prometheusPort, exporter.url))
  })

  afterAll(async () => {
    await lapwing?.interrupt()
    for (const server of servers) await server.stop()
    await alertmanager?.stop()
    await slack?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const seriesNow = async (): Promise<SeriesSummary[]> => {
    const answer = (await (await fetch(`${page}/api/v1/series`)).json()) as { series: SeriesSummary[] }
    return answer.series
  }

  test('Kafka is the real one', async () => {
    expect(await lapwing.said('log', 1000)).toMatch(/Kafka/)
  })

  test('polled samples are scored and the series is warm', async () => {
    const series = await eventually(
      async () => {
        const all = await seriesNow()
        return all.length === queries.length && all.every(({ state }) => state === 'ok') && all
      },
      { what: 'both series are warm and quiet', deadlineMs: 400_000, everyMs: 2000 },
    )
    expect(series.map(({ text }) => text).join()).toContain('node_procs_running')
  })

  test('the burn fires an alert in Alertmanager and a message in Slack', async () => {
    const burning = await burnMachine(folder)
    try {
      let series: SeriesSummary[] = []
      const [alert] = await eventually(
        async () => {
          series = await seriesNow()
          const alerts = await alertmanager.alerts()
          return alerts.length > 0 && alerts
        },
        { what: () => `an alert in Alertmanager: ${toldOf(series)}\n${lapwing.output()}`, deadlineMs: burnMs },
      )
      expect(alert?.labels).toMatchObject({ alertname: 'LapwingAnomaly' })
      expect(Date.parse(alert!.endsAt)).toBeGreaterThan(Date.now())
      const [message] = await eventually(() => slack.taken().length > 0 && slack.taken(), {
        what: 'a Slack message',
        deadlineMs: 30_000,
      })
      expect(JSON.stringify(message)).toMatch(/node_cpu_seconds_total|node_procs_running/)
      await burning.done
    } finally {
      burning.stop()
    }
  })

  test('afterwards both are told that it is over', async () => {
    let series: SeriesSummary[] = []
    await eventually(
      async () => {
        series = await seriesNow()
        return (await alertmanager.alerts()).length === 0
      },
      { what: () => `every alert is resolved in Alertmanager: ${toldOf(series)}`, deadlineMs: 120_000 },
    )
    await eventually(() => /resolved/i.test(JSON.stringify(slack.taken().at(-1))), {
      what: 'the last Slack message says resolved',
      deadlineMs: 30_000,
    })
  })

  test('Ctrl-C ends everything and leaves no process', async () => {
    expect(await lapwing.interrupt()).toBe(0)
    await eventually(() => processesWith(lapwing.mark).length === 0, { what: 'no process is left', deadlineMs: 10_000 })
  })
})

function toldOf(series: readonly SeriesSummary[]): string {
  return JSON.stringify(series.map(({ text, state, score, upper, recent }) => ({ text, state, score, upper, recent })))
}

/**
 * Keeps every processor busy for `burnMs`, with what nobody else wants of it: what is tested still gets its share. All begin at once, when all are
 * there: of a series known for minutes, what rises slowly is no news.
 */
async function burnMachine(folder: string): Promise<{ done: Promise<void>; stop: () => boolean }> {
  const count = burnersPerProcessor * cpus().length
  const [ready, go] = [join(folder, 'ready'), join(folder, 'go')]
  writeFileSync(ready, '')
  execFileSync('mkfifo', [go])
  const burner = "exec nice -n 19 chrt --idle 0 sh -c 'echo >> ready; read _ < go; while :; do :; done'"
  const script = `i=0; while [ $i -lt ${count} ]; do (${burner}) & i=$((i + 1)); done; wait`
  // `timeout` ends its whole process group, when the time is over and when it is told to end.
  const burning = spawn('timeout', [String((2 * burnMs) / 1000), 'sh', '-c', script], { cwd: folder })
  await eventually(() => readFileSync(ready).length === count, { what: 'all burners are there', deadlineMs: burnMs })
  // Whoever reads it goes on when it is opened and closed.
  await (await open(go, 'w')).close()
  return { done: delay(burnMs, undefined, { ref: false }), stop: () => burning.kill() }
}
