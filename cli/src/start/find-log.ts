/** The log that the services will use: the best at hand, said in one line. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type ChosenLog, chooseLog } from '@lapwing/kafka-server/choose-log'
import { createProgress, type Progress } from '../progress.ts'
import type { AllConfig, Say } from './start.ts'

export async function findLog({
  config,
  forced,
  say,
}: {
  config: AllConfig
  forced: 'kafka' | 'in-process' | undefined
  say: Say
}): Promise<ChosenLog> {
  let progress: Progress | undefined
  const log = await chooseLog({
    brokers: config.kafka.brokers,
    forced,
    cacheDirectory: process.env.LAPWING_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lapwing'),
    mavenRepository: process.env.MAVEN_REPOSITORY,
    onProgress: (doneBytes, totalBytes) => {
      progress ??= createProgress({
        label: '  Apache Kafka',
        total: totalBytes,
        stream: process.stderr,
        now: () => performance.now(),
      })
      progress.update(doneBytes)
    },
  })
  progress?.end()
  say('log', log.why)
  return log
}
