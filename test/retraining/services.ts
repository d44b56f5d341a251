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
  /** Lines of all of them, for the message when something is missing. */
  readonly #lines: string[] = []

  constructor(options: ServicesOptions) {
    this.#options = options
  }

  start(...names: readonly ProcessName[]): void {
    for (const name of names) this.#start(name)
  }

  async stop(): Promise<void> {
    for (const child of this.#running.values()) {
      child.removeAllListeners('exit')
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await exited
    }
  }

  /** All at the same moment. */
  async kill(...names: readonly ProcessName[]): Promise<void> {
    const killed = names.map((name) => this.#running.get(name)!)
    const exited = killed.map((child) => new Promise((resolve) => child.once('exit', resolve)))
    for (const child of killed) child.kill('SIGKILL')
    await Promise.all(exited)
    for (const name of names) this.#running.delete(name)
  }

  /** What a process has said so far. */
  linesOf(name: ProcessName): string[] {
    return this.#lines.filter((line) => line.startsWith(`${name}: `))
  }

  lastLines(): string {
    return this.#lines.slice(-30).join('\n')
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
    this.#running.set(name, child)
  }
}
