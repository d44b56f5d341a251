/** JSON lines on standard output; on a terminal the same, readable. Secrets are masked twice: by their type, and by name here. */
import { type DestinationStream, type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export interface LoggerOptions {
  readonly name: string
  readonly level: string
  readonly output: DestinationStream
}

/** Standard output, readable when it is a terminal; synchronous, so that the last words of a dying process are not lost. */
export function standardOutput(isTerminal: boolean): DestinationStream {
  if (!isTerminal) return pino.destination({ sync: true })
  return pretty({ ignore: 'service,name', messageFormat: '{service}: {msg}', translateTime: 'HH:MM:ss', sync: true })
}

const secretPaths = [
  'password',
  'token',
  'secret',
  'authorization',
  'slack_webhook_url',
  'webhookUrl',
  'headers.authorization',
  'headers.cookie',
]

export function createLogger({ name, level, output }: LoggerOptions): Logger {
  return pino(
    {
      name,
      level,
      base: { service: name },
      messageKey: 'msg',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: [...secretPaths, ...secretPaths.map((path) => `*.${path}`)], censor: '[secret]' },
    },
    output,
  )
}
