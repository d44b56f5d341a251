/** A job in a process of its own, watched: progress, resident memory, and an end when it takes too much or is no longer wanted. */
import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Job, JobMessage } from './job.ts'

export interface JobOptions {
  readonly memoryLimitBytes: number
  readonly signal: AbortSignal
  onProgress(share: number): void
}

export interface JobAnswer {
  readonly message: Exclude<JobMessage, { type: 'progress' | 'refused' }>
  /** 0 where the system does not tell. */
  readonly peakBytes: number
}

/** The job cannot be done, however often it is tried. */
export class JobRefusedError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'JobRefusedError'
  }
}

/** Rejects with a JobRefusedError; with another error when the process died, or with the reason of the signal. */
export async function runJob(job: Job, { memoryLimitBytes, signal, onProgress }: JobOptions): Promise<JobAnswer> {
  signal.throwIfAborted()
  const child = startProcess(memoryLimitBytes)
  let peakBytes = 0
  let isTooLarge = false
  const watch = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(child))
    isTooLarge = peakBytes > memoryLimitBytes
    if (isTooLarge) child.kill('SIGKILL')
  }, watchIntervalMs)
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', kill)
  try {
    const message = await answerOf(child, job, onProgress)
    if (message.type === 'refused') throw new JobRefusedError(message.message)
    return { message, peakBytes }
  } catch (error) {
    signal.throwIfAborted()
    if (isTooLarge) throw new JobRefusedError(`takes more than ${Math.round(memoryLimitBytes / 1e6)} MB of memory`)
    throw error
  } finally {
    clearInterval(watch)
    signal.removeEventListener('abort', kill)
    kill()
  }
}

const watchIntervalMs = 100
const entry = fileURLToPath(new URL('./job-process.ts', import.meta.url))

function startProcess(memoryLimitBytes: number): ChildProcess {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const heapMb = Math.floor(memoryLimitBytes / 1e6)
  return fork(entry, [], {
    execArgv: ['--import', loader, `--max-old-space-size=${heapMb}`],
    serialization: 'advanced',
    // Whoever reads our standard output expects log lines there.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

function answerOf(
  child: ChildProcess,
  job: Job,
  onProgress: (share: number) => void,
): Promise<Exclude<JobMessage, { type: 'progress' }>> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: JobMessage) => {
      if (message.type === 'progress') onProgress(message.share)
      else resolve(message)
    })
    child.once('error', reject)
    child.once('exit', (code, killedBy) => reject(new Error(`the training process ended (${killedBy ?? `exit code ${code}`})`)))
    child.send(job, (error) => error && reject(error))
  })
}

/** 0 where there is no /proc. */
function residentBytes({ pid }: ChildProcess): number {
  try {
    const line = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return line ? Number(line[1]) * 1024 : 0
  } catch {
    return 0
  }
}
