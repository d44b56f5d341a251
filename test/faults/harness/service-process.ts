/** A service as a process of its own, with what it says, and the signals that a cruel world sends it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface ServiceOptions {
  /** Where the project is, when it is not this one but another release of it. */
  readonly folder?: string
  /** Path from the root of the project. */
  readonly main: string
  /** `section.key=value` each. */
  readonly settings: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly nodeFlags?: readonly string[]
}

export interface ServiceProcess {
  readonly pid: number
  /** Address, once it is ready. */
  readonly ready: Promise<string>
  readonly exited: Promise<Exit>
  hasExited(): boolean
  /** Everything on both of its outputs so far. */
  output(): string
  /** Its log, line by line. */
  lines(): LogLine[]
  signal(name: NodeJS.Signals): void
  /** Whether it stands still after SIGSTOP. */
  isStopped(): boolean
  /** Asks it to end in order. */
  stop(): Promise<Exit>
  /** Largest resident memory until now, or until it ended, in bytes. */
  peakBytes(): number
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface LogLine {
  readonly level: string
  /** ISO 8601. */
  readonly time: string
  readonly msg: string
  readonly [field: string]: unknown
}

const root = fileURLToPath(new URL('../../../', import.meta.url))
const living = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

export function startService({ folder = root, main, settings, environment, nodeFlags = [] }: ServiceOptions): ServiceProcess {
  const child = spawn(process.execPath, [...nodeFlags, '--import', 'tsx', main, ...settings.flatMap((set) => ['--set', set])], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '', ...environment },
  })
  living.add(child)
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      output += text
    })
  }
  let exit: Exit | undefined
  const exited = new Promise<Exit>((resolve) =>
    child.once('close', (code, signal) => {
      living.delete(child)
      exit = { code, signal }
      resolve(exit)
    }),
  )
  const ready = new Promise<string>((resolve, reject) => {
    child.on('message', ({ url }: { url: string }) => resolve(url))
    void exited.then(({ code, signal }) => reject(new Error(`${main} ended with ${signal ?? code}:\n${output.slice(-2000)}`)))
  })
  ready.catch(() => {})
  const memory = watchMemory(child.pid!)
  const stop = () => {
    if (!exit) child.kill('SIGTERM')
    return exited
  }
  return {
    pid: child.pid!,
    ready,
    exited,
    hasExited: () => exit !== undefined,
    output: () => output,
    lines: () => output.split('\n').flatMap(asLogLine),
    signal: (name) => void child.kill(name),
    isStopped: () => /^State:\s+T/m.test(statusOf(child.pid!)),
    stop,
    peakBytes: () => memory(),
  }
}

function asLogLine(line: string): LogLine[] {
  try {
    const parsed: unknown = JSON.parse(line)
    return typeof parsed === 'object' && parsed !== null && 'msg' in parsed ? [parsed as LogLine] : []
  } catch {
    return []
  }
}

/** Throws when the process is gone. */
function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'utf8')
}

/** The kernel keeps the peak only while the process lives. */
function watchMemory(pid: number): () => number {
  let peakBytes = 0
  const look = () => {
    try {
      const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(statusOf(pid)) ?? []
      peakBytes = Math.max(peakBytes, Number(kilobytes ?? 0) * 1024)
    } catch {
      clearInterval(timer)
    }
    return peakBytes
  }
  const timer = setInterval(look, 500)
  timer.unref()
  return look
}
