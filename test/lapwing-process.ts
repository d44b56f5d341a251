/** `lapwing start` as a person runs it: a process with output, an address on a line of it, and Ctrl-C. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { eventually } from './eventually.ts'

export interface LapwingProcess {
  /** Everything it has written so far. */
  output(): string
  /** The text behind a label (`page`, `source` …) once it has been written. */
  said(label: string, deadlineMs: number): Promise<string>
  /** Presses Ctrl-C and resolves with the exit code. */
  interrupt(): Promise<number | null>
}

export interface LapwingOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly folder: string
  readonly environment?: Readonly<Record<string, string>>
}

/** A word in the environment of all processes that belong to one start, by which they can be found. */
let starts = 0

export function startLapwing({
  command,
  args,
  folder,
  environment = {},
}: LapwingOptions): LapwingProcess & { readonly mark: string } {
  const mark = `lapwing-test-${process.pid}-${starts++}`
  const child: ChildProcess = spawn(command, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...withoutSettings(process.env), ...environment, LAPWING_TEST_MARK: mark },
    detached: true,
  })
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  child.stderr?.on('data', (chunk) => {
    output += chunk
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  return {
    mark,
    output: () => output,
    said: async (label, deadlineMs) => {
      const text = () => new RegExp(`^  ${label} +(.+)$`, 'm').exec(output)?.[1]
      const what = () => `${label} is said in:\n${output}`
      await eventually(() => text() !== undefined || child.exitCode !== null, { what, deadlineMs })
      const said = text()
      if (said === undefined) throw new Error(`it ended with exit code ${child.exitCode}, before ${what()}`)
      return said
    },
    interrupt: async () => {
      if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid as number), 'SIGINT')
      return exited
    },
  }
}

/** Command lines of the processes that still carry the mark. */
export function processesWith(mark: string): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const marked = readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`LAPWING_TEST_MARK=${mark}`)
        return marked ? [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`] : []
      } catch {
        return []
      }
    })
}

/** The environment without anything that would steer the start. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !/^(LAPWING|KAFKA_BROKERS$|PROMETHEUS_URL$|VITEST|NODE_OPTIONS$)/.test(name)),
  )
}
