/**
 * Service processes and their lives: started, awaited until ready, started again when they die, stopped side by side.
 *
 * Each child leads a process group of its own, so that Ctrl-C in the terminal reaches only the supervisor, which then stops
 * them; a child whose supervisor is gone notices its closed channel and ends by itself. A service that dies
 * `mostRestarts` times in a row, each time soon after its start, is given up, and with it the whole.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { ConfigError } from '@lapwing/service/config'
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

/** A service gave up before it was ready; why stands in its own lines. */
export class EndedBeforeReady extends Error {
  readonly service: string
  constructor(service: string, exit: string) {
    super(`${service} ended before it was ready (${exit})`)
    this.name = 'EndedBeforeReady'
    this.service = service
  }
}

/**
 * Starts all services side by side; resolves when all are ready. When one ends before that the others are stopped; rejects then with a ConfigError in
 * the service's own words when that is what it refused, else with EndedBeforeReady.
 */
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
      const { name } = command
      children.set(name, child)
      const startedMs = performance.now()
      const onLine = (line: string) => options.onLine(name, line)
      // Held until it is known whether they are all that it had to say: a configuration that it refuses.
      const held: string[] = []
      createInterface({ input: child.stderr! }).on('line', (line) => (urls.has(name) ? onLine(line) : held.push(line)))
      child.on('message', (message: ReadyMessage) => {
        if (message.type !== 'ready') return
        urls.set(name, message.url)
        held.splice(0).forEach(onLine)
        resolve()
      })
      child.on('exit', (code, signal) => {
        if (stopping || !urls.has(name)) return
        const exit = exitText(code, signal)
        const failures = performance.now() - startedMs > settledMs ? 1 : failuresBefore + 1
        if (failures > mostRestarts) return giveUp(`${name} does not stay up (${exit})`)
        const delayMs = restartDelayMs * 2 ** (failures - 1)
        options.onRestart(name, exit, delayMs)
        setTimeout(() => !stopping && void run(command, failures), delayMs)
      })
      // Comes after its last line.
      child.on('close', (code, signal) => {
        if (stopping || urls.has(name)) return
        if (code === refusedExitCode) return reject(new ConfigError(held))
        held.forEach(onLine)
        reject(new EndedBeforeReady(name, exitText(code, signal)))
      })
    })

  const stop = async () => {
    stopping = true
    // One after the other they would take a minute where the log is gone: each waits for it as long as it may.
    await Promise.all([...children.values()].map(stopChild))
  }
  try {
    await Promise.all(options.commands.map((command) => run(command, 0)))
  } catch (error) {
    await stop()
    throw error
  }
  return { urls, gaveUp, stop }
}

/** Of a service: its configuration was refused, and it has said why on standard error. */
const refusedExitCode = 2
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
  createInterface({ input: child.stdout! }).on('line', (line) => onLine(name, line))
  return child
}

function exitText(code: number | null, signal: NodeJS.Signals | null): string {
  return signal ? `killed by ${signal}` : `exit code ${code}`
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopDeadlineMs)
  await exited
  clearTimeout(timer)
}
