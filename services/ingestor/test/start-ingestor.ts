/** An ingestor as a service within the process of a test, on a log of the test's choice and a port of its own. */
import { commonSections } from '@lapwing/service/config'
import { openConfig } from '@lapwing/service/config-source'
import { type RunningService, runService } from '@lapwing/service/run-service'
import type { Log } from '@lapwing/stream/log'
import { type Logger, pino } from 'pino'
import { ingestorSchema } from '../src/config.ts'
import { startIngestor } from '../src/start.ts'

export interface StartingIngestor {
  /** Resolves once it listens, which is before the log is there. */
  readonly url: Promise<string>
  readonly started: Promise<RunningService>
}

/**
 * @param sets settings, `section.key=value`
 * @param file of the configuration, which is read again when it changes
 */
export function beginIngestor(
  log: Log,
  sets: readonly string[],
  port = 0,
  file?: string,
  logger: Logger = pino({ level: 'silent' }),
): StartingIngestor {
  let listens: (url: string) => void
  const listening = new Promise<string>((resolve) => {
    listens = resolve
  })
  const started = runService({
    name: 'ingestor',
    ...openConfig({ ...commonSections, ingestor: ingestorSchema }, { file, environment: {}, sets: [...sets] }),
    logger,
    http: { host: '127.0.0.1', port },
    version: 'test',
    onFail: (error) => {
      throw error
    },
    start: async (context) => {
      const listen = async () => {
        const url = await context.listen()
        listens(url)
        return url
      }
      await startIngestor({ ...context, listen }, log)
    },
  })
  return { url: Promise.race([listening, started.then(({ url }) => url)]), started }
}

export function startedIngestor(log: Log, sets: readonly string[], port = 0): Promise<RunningService> {
  return beginIngestor(log, sets, port).started
}
