/** The services as processes of their own, on Kafka. */
import { fileURLToPath } from 'node:url'
import { type AllConfig, type ConfigFlags, watchesPods } from './all-config.ts'
import type { ServiceOutput } from './service-output.ts'
import { type RunningServices, supervise } from './supervise.ts'

export interface ProcessesOptions {
  readonly flags: ConfigFlags
  readonly config: AllConfig
  readonly brokers: readonly string[]
  readonly output: ServiceOutput
}

export function startProcesses({ flags, config, brokers, output }: ProcessesOptions): Promise<RunningServices> {
  const args = [
    ...(flags.config ? ['--config', flags.config] : []),
    ...(flags.profile ? ['--profile', flags.profile] : []),
    ...flags.set.flatMap((set) => ['--set', set]),
  ]
  return supervise({
    commands: [...mains, ...(watchesPods(config) ? [podsMain] : [])].map(([name, main]) => ({
      name,
      main: fileURLToPath(import.meta.resolve(main)),
      args,
    })),
    loader: import.meta.resolve('tsx'),
    environment: { ...process.env, KAFKA_BROKERS: brokers.join(',') },
    onLine: output.line,
    onRestart: (service, exit, delayMs) => output.show(`${service} ended (${exit}), starting it again in ${delayMs} ms`),
  })
}

const mains = [
  ['ingestor', '@lapwing/ingestor/main'],
  ['detector', '@lapwing/detector/main'],
  ['trainer', '@lapwing/detector/trainer/main'],
  ['drift', '@lapwing/drift/main'],
  ['alerter', '@lapwing/alerter/main'],
  ['reporter', '@lapwing/reporter/main'],
] as const
const podsMain = ['pods', '@lapwing/ingestor/pods/main'] as const
