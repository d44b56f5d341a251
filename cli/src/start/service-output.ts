/**
 * What becomes of the log lines of the services: all of them go to a file; the terminal gets what a person should see.
 *
 * A newcomer looks at six lines and a page, not at five interleaved streams of JSON.
 */

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
