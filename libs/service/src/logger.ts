/** JSON lines on standard output; on a terminal the same, readable. Secrets are masked twice: by their type, and by name here. */
import { trace } from '@opentelemetry/api'
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

/** Of the span that the line was written within, as OpenTelemetry names them; nothing without one. */
function traceIds(): object {
  const span = trace.getActiveSpan()?.spanContext()
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {}
}

/** What is counted of what a logger and its children wrote. */
const problemLevels = ['warn', 'error', 'fatal'] as const
export type ProblemCounts = Record<(typeof problemLevels)[number], number>

const countsOf = new WeakMap<Logger, ProblemCounts>()

/** Lines written so far at the levels that tell of a problem; all zero for a logger that was not made here. */
export function problemsLogged(logger: Logger): ProblemCounts {
  return countsOf.get(logger) ?? { warn: 0, error: 0, fatal: 0 }
}

export function createLogger({ name, level, output }: LoggerOptions): Logger {
  const counts: ProblemCounts = { warn: 0, error: 0, fatal: 0 }
  const logger: Logger = pino(
    {
      name,
      level,
      base: { service: name },
      messageKey: 'msg',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: traceIds,
      hooks: {
        logMethod(args, write, levelNumber) {
          const label = pino.levels.labels[levelNumber] as keyof ProblemCounts
          if (label in counts) counts[label]++
          write.apply(this, args)
        },
      },
      // The usual one puts the messages of all causes in a row, which here say the same.
      serializers: { err: pino.stdSerializers.errWithCause },
      redact: { paths: [...secretPaths, ...secretPaths.map((path) => `*.${path}`)], censor: '[secret]' },
    },
    output,
  )
  countsOf.set(logger, counts)
  return logger
}
