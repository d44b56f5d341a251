/** JSON lines on standard output; on a terminal the same, readable. Secrets are masked twice: by their type, and by name here. */
import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export interface LoggerOptions {
  readonly name: string
  readonly level: string
  /** True on a terminal. */
  readonly readable: boolean
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

export function createLogger({ name, level, readable }: LoggerOptions): Logger {
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
    readable
      ? pretty({ ignore: 'service,name', messageFormat: '{service}: {msg}', translateTime: 'HH:MM:ss', sync: true })
      : pino.destination({ sync: true }),
  )
}
