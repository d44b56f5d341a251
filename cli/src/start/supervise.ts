/**
 * Service processes and their lives: started, awaited until ready, started again when they die, stopped in reverse order.
 *
 * Each child leads a process group of its own, so that Ctrl-C in the terminal reaches only the supervisor, which then stops
 * them in order; a child whose supervisor is gone notices its closed channel and ends by itself. A service that dies
 * `mostRestarts` times in a row, each time soon after its start, is given up, and with it the whole.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { ReadyMessage } from '@lapwing/service/run-process'

export interface ServiceCommand {
  readonly name: string
  /** Path of its main file. */
  readonly main: string
  readonly args: readonly string[]
}

export interface SupervisorOptions {
  readonly commands: readonly ServiceCommand[]
  /** Address of the module loader, given to Node with `--import`. */
  readonly loader: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** A line of a service's output. */
  onLine(service: string, line: string): void
  onRestart(service: string, exit: string, delayMs: number): void
}

/** The services while they run. */
export interface RunningServices {
  /** Address of each. */
  readonly urls: ReadonlyMap<string, string>
  /** Resolves with the reason when they cannot go on. */
  readonly gaveUp: Promise<string>
  stop(): Promise<void>
}

/** Starts all services side by side; resolves when all are ready, rejects when one ends before that. */
export async function supervise(options: SupervisorOptions): Promise<RunningServices> {
  const urls = new Map<string, string>()
  const children = new Map<string, ChildProcess>()
  let stopping = false
  let giveUp: (reason: string) => void = () => {}
  const gaveUp = new Promise<string>((resolve) => {
    giveUp = resolve
  })

  const run = (command: ServiceCommand, failuresBefore: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = spawnService(command, options)
      children.set(command.name, child)
      const startedMs = performance.now()
      child.on('message', (message: ReadyMessage) => {
        if (message.type !== 'ready') return
        urls.set(command.name, message.url)
        resolve()
      })
      child.on('exit', (code, signal) => {
        if (stopping) return
        const exit = signal ? `killed by ${signal}` : `exit code ${code}`
        if (!urls.has(command.name)) return reject(new Error(`${command.name} ended before it was ready (${exit})`))
        const failures = performance.now() - startedMs > settledMs ? 1 : failuresBefore + 1
        if (failures > mostRestarts) return giveUp(`${command.name} does not stay up (${exit})`)
        const delayMs = restartDelayMs * 2 ** (failures - 1)
        options.onRestart(command.name, exit, delayMs)
        setTimeout(() => !stopping && void run(command, failures), delayMs)
      })
    })

  const stop = async () => {
    stopping = true
    for (const { name } of [...options.commands].reverse()) await stopChild(children.get(name))
  }
  try {
    await Promise.all(options.commands.map((command) => run(command, 0)))
  } catch (error) {
    await stop()
    throw error
  }
  return { urls, gaveUp, stop }
}

const settledMs = 60_000
const mostRestarts = 5
const restartDelayMs = 500
/** A service has ten seconds to close in order; a little more, and it is ended. */
const stopDeadlineMs = 12_000

function spawnService({ name, main, args }: ServiceCommand, { loader, environment, onLine }: SupervisorOptions): ChildProcess {
  const child = spawn(process.execPath, ['--import', loader, main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...environment },
    detached: true,
  })
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream! }).on('line', (line) => onLine(name, line))
  return child
}

async function stopChild(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopDeadlineMs)
  await exited
  clearTimeout(timer)
}
