/** `lapwing ingestor`, `lapwing detector` …: one service as this process, the way an image, a chart or systemd starts it. */
import { Command } from 'commander'
import type { ConfigFlags } from './start/all-config.ts'

const services = {
  ingestor: {
    does: 'Reads metrics: polls a Prometheus, takes remote write, scrapes pages.',
    load: () => import('@lapwing/ingestor/main'),
  },
  detector: { does: 'Scores every series.', load: () => import('@lapwing/detector/main') },
  trainer: { does: 'Trains, judges and promotes models of entities.', load: () => import('@lapwing/detector/trainer/main') },
  drift: { does: 'Watches the scores for drift and asks for training.', load: () => import('@lapwing/drift/main') },
  alerter: { does: 'Decides who is told of what, and tells them.', load: () => import('@lapwing/alerter/main') },
  reporter: { does: 'Serves the page, its API and the metrics of the pipeline.', load: () => import('@lapwing/reporter/main') },
  pods: {
    does: 'Watches the pods of a Kubernetes cluster, as context for incidents.',
    load: () => import('@lapwing/ingestor/pods/main'),
  },
} as const

export function serviceCommands(): Command[] {
  return Object.entries(services).map(([name, { does, load }]) =>
    new Command(name)
      .description(`${does} One service, on Kafka, until it is told to stop (SIGTERM).`)
      .option('-c, --config <file>', 'configuration file (default: LAPWING_CONFIG, else lapwing.yaml, if there is one)')
      .option('--profile <name>', 'lay FILE.PROFILE.yaml over the configuration file (default: LAPWING_PROFILE)')
      .option(
        '--set <key=value>',
        'one setting, e.g. --set kafka.partitions=48; may be repeated',
        (value, all: string[]) => [...all, value],
        [],
      )
      .addHelpText(
        'after',
        '\nExit codes: 0 stopped on request, 1 gave up, 2 the configuration was refused and nothing was started.',
      )
      .action(async (flags: ConfigFlags) => {
        // A service reads the flags of its process, as it does when its main file is started by itself.
        process.argv = [...process.argv.slice(0, 2), ...toArguments(flags)]
        await load()
      }),
  )
}

function toArguments({ config, profile, set }: ConfigFlags): string[] {
  return [
    ...(config === undefined ? [] : ['--config', config]),
    ...(profile === undefined ? [] : ['--profile', profile]),
    ...set.flatMap((one) => ['--set', one]),
  ]
}
