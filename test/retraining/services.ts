/** Detector, drift and trainer as processes of their own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../', import.meta.url))
const mains = {
  detector: 'services/detector/src/main.ts',
  drift: 'services/drift/src/main.ts',
  trainer: 'services/detector/src/trainer/main.ts',
} as const

/** Of each process, when something is missing. */
const linesTold = 12

export type ServiceName = keyof typeof mains
/** Of one process: a service, or another replica of it. */
export type ProcessName = ServiceName | `${ServiceName} ${number}`

export interface ServicesOptions {
  readonly brokers: string
  readonly prefix: string
  readonly partitions: number
  /** `section.key=value`. */
  readonly settings: readonly string[]
}

export class Services {
  readonly #options: ServicesOptions
  readonly #running = new Map<ProcessName, ChildProcess>()
  /** Lines of all of them, for the message when something is missing. A process that ends without being asked to leaves one, too. */
  readonly #lines: string[] = []

  constructor(options: ServicesOptions) {
    this.#options = options
  }

  start(...names: readonly ProcessName[]): void {
    for (const name of names) this.#start(name)
  }

  async stop(): Promise<void> {
    await this.kill(...this.#running.keys())
  }

  /** All at the same moment. Rejects when one of them has ended by itself. */
  async kill(...names: readonly ProcessName[]): Promise<void> {
    const killed = names.map((name) => {
      const child = this.#running.get(name)
      if (!child) throw new Error(`${name} is not there to be killed`)
      return child
    })
    for (const name of names) this.#running.delete(name)
    const exited = killed.map((child) => new Promise((resolve) => child.once('exit', resolve)))
    for (const child of killed) child.kill('SIGKILL')
    await Promise.all(exited)
  }

  /** To a process that runs: stopped where it is, or let go on. */
  signal(name: ProcessName, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#running.get(name)?.kill(signal)
  }

  /** What a process has said so far. */
  linesOf(name: ProcessName): string[] {
    return this.#lines.filter((line) => line.startsWith(`${name}: `))
  }

  /** Of each process its own, so that the one that says little is heard as well. */
  lastLines(): string {
    const names = [...new Set(this.#lines.map((line) => line.slice(0, line.indexOf(': '))))] as ProcessName[]
    return names.flatMap((name) => this.linesOf(name).slice(-linesTold)).join('\n')
  }

  /** Series of the metrics of a process whose names begin so, as it has them now. Rejects when it does not answer. */
  async metricsOf(name: ProcessName, prefix: string): Promise<string[]> {
    const address = /"url":"([^"]+)"/.exec(this.linesOf(name).findLast((line) => line.includes('"listening"')) ?? '')?.[1]
    const answer = await fetch(`${address}/metrics`, { signal: AbortSignal.timeout(5000) })
    return (await answer.text()).split('\n').filter((line) => line.startsWith(prefix))
  }

  /** Standard output of `lapwing WORDS`. Rejects with its exit code and standard error. */
  async lapwing(...words: readonly string[]): Promise<string> {
    const { brokers, prefix } = this.#options
    const env = { ...process.env, KAFKA_BROKERS: brokers, LAPWING__KAFKA__TOPIC_PREFIX: prefix }
    return (await promisify(execFile)(process.execPath, ['lapwing', ...words], { cwd: root, env })).stdout
  }

  #start(name: ProcessName): void {
    const { brokers, prefix, partitions, settings } = this.#options
    const service = name.split(' ')[0] as ServiceName
    const own = [`${service}.port=0`, `kafka.partitions=${partitions}`, `kafka.topic_prefix=${prefix}`]
    const sets = [...own, ...settings].flatMap((set) => ['--set', set])
    const child = spawn(process.execPath, ['--import', 'tsx', mains[service], ...sets], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, KAFKA_BROKERS: brokers },
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) =>
        this.#lines.push(
          ...chunk
            .toString()
            .trimEnd()
            .split('\n')
            .map((line) => `${name}: ${line}`),
        ),
      )
    }
    child.once('exit', (code, signal) => {
      if (this.#running.get(name) !== child) return
      this.#running.delete(name)
      this.#lines.push(`${name}: ended by itself (${signal ?? `exit code ${code}`})`)
    })
    this.#running.set(name, child)
  }
}
