/**
 * What becomes of the log lines of the services: all of them go to a file each; the terminal gets what a person should see.
 *
 * A newcomer looks at a few lines and a page, not at five interleaved streams of JSON.
 */
import { createWriteStream, mkdtempSync, type WriteStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface ServiceOutput {
  /** Folder with a file per service. */
  readonly folder: string
  /** A line of a service's output. */
  readonly line: (service: string, line: string) => void
  /** A line for the terminal. */
  readonly show: (text: string) => void
  readonly close: () => Promise<void>
}

/** @param verbose show every line, not only warnings and errors */
export function createServiceOutput(verbose: boolean): ServiceOutput {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-logs-'))
  const files = new Map<string, WriteStream>()
  const show = (text: string) => void process.stderr.write(`${text}\n`)
  return {
    folder,
    show,
    line: (service, line) => {
      let file = files.get(service)
      if (!file) {
        file = createWriteStream(join(folder, `${service}.log`), { flags: 'a' })
        files.set(service, file)
      }
      file.write(`${line}\n`)
      const parsed = parseServiceLine(line)
      if (verbose || isWorthShowing(parsed)) show(`  ${service.padEnd(10)} ${parsed.level}: ${parsed.message}`)
    },
    close: async () => {
      for (const file of files.values()) file.end()
    },
  }
}

export interface ServiceLine {
  readonly level: string
  readonly message: string
}

/** The line's level and message; a line that is not a log record of ours is an error, because only crashes write such. */
export function parseServiceLine(line: string): ServiceLine {
  try {
    const { level, msg, err } = JSON.parse(line) as { level?: string; msg?: string; err?: { message?: string } }
    const detail = err?.message && err.message !== msg ? `: ${err.message}` : ''
    return { level: level ?? 'info', message: `${msg ?? ''}${detail}` }
  } catch {
    return { level: 'error', message: line }
  }
}

export function isWorthShowing({ level }: ServiceLine): boolean {
  return level === 'warn' || level === 'error' || level === 'fatal'
}
