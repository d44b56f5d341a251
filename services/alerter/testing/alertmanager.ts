/** A real Alertmanager on a free port with nothing to notify, for tests that read back what it was told. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** An alert as `GET /api/v2/alerts` gives it; only what tests look at. */
export interface KnownAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
  readonly generatorURL: string
}

export interface TestAlertmanager {
  readonly url: string
  /** What it shows as active; it never lists ended ones. */
  alerts(): Promise<KnownAlert[]>
  /** Silences what has these labels for an hour; its id. */
  silence(labels: Readonly<Record<string, string>>, createdBy: string, comment: string): Promise<string>
  expireSilence(id: string): Promise<void>
  kill(): Promise<void>
  /** After a kill, on the same port; it has forgotten all alerts. */
  start(): Promise<void>
  /** Kills it and starts it again on the same port; it has then forgotten all alerts. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Path of the program, or undefined where it is not installed. */
export function findAlertmanager(): string | undefined {
  return ['/usr/bin/prometheus-alertmanager', '/usr/local/bin/alertmanager', '/usr/bin/alertmanager'].find((path) =>
    existsSync(path),
  )
}

const notifiesNobody = 'route:\n  receiver: none\nreceivers:\n  - name: none\n'

/** Rejects when it does not get ready, with what it said. */
export async function startAlertmanager(program: string, config = notifiesNobody): Promise<TestAlertmanager> {
  const directory = await mkdtemp(join(tmpdir(), 'lapwing-alertmanager-'))
  const configFile = join(directory, 'alertmanager.yml')
  await writeFile(configFile, config)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const args = [
    `--config.file=${configFile}`,
    `--storage.path=${directory}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ]
  let child = await launch(program, args, url)
  return {
    url,
    alerts: async () => (await (await fetch(`${url}/api/v2/alerts`)).json()) as KnownAlert[],
    silence: (labels, createdBy, comment) => postSilence(url, labels, { createdBy, comment }),
    expireSilence: async (id) => {
      await fetch(`${url}/api/v2/silence/${id}`, { method: 'DELETE' })
    },
    kill: () => kill(child),
    start: async () => {
      child = await launch(program, args, url)
    },
    restart: async () => {
      await kill(child)
      child = await launch(program, args, url)
    },
    stop: async () => {
      await kill(child)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const hourMs = 3_600_000

async function postSilence(url: string, labels: Readonly<Record<string, string>>, who: object): Promise<string> {
  const nowMs = Date.now()
  const body = {
    matchers: Object.entries(labels).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true })),
    startsAt: new Date(nowMs - 1000).toISOString(),
    endsAt: new Date(nowMs + hourMs).toISOString(),
    ...who,
  }
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/api/v2/silences`, { method: 'POST', headers, body: JSON.stringify(body) })
  return ((await response.json()) as { silenceID: string }).silenceID
}

const readyDeadlineMs = 15_000
const pollMs = 50

async function launch(program: string, args: readonly string[], url: string): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const endOfProcess = () => child.kill('SIGKILL')
  process.once('exit', endOfProcess)
  child.once('exit', () => process.off('exit', endOfProcess))
  const deadlineMs = Date.now() + readyDeadlineMs
  while (!(await isReady(url))) {
    if (child.exitCode !== null || Date.now() > deadlineMs) {
      child.kill('SIGKILL')
      throw new Error(`Alertmanager did not get ready: ${said}`)
    }
    await delay(pollMs)
  }
  return child
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/-/ready`).then(
    (response) => response.ok,
    () => false,
  )
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
