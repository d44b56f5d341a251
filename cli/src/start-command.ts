/** `lapwing start`: the product on this machine. */
import { Command, Option } from 'commander'
import type { StartFlags } from './start/start.ts'

export function startCommand(): Command {
  return new Command('start')
    .description(
      'Start all services on this machine: finds a log (Kafka), feeds them (your Prometheus, or a demo), and prints the address of the page.',
    )
    .option('-c, --config <file>', 'configuration file (default: lapwing.yaml, if there is one)')
    .option('--profile <name>', 'lay FILE.PROFILE.yaml over the configuration file')
    .option(
      '--set <key=value>',
      'one setting, e.g. --set detector.window_minutes=30; may be repeated',
      (value, all: string[]) => [...all, value],
      [],
    )
    .addOption(
      new Option('--log <kind>', 'which log to use (default: the best at hand)')
        .choices(['kafka', 'in-process'])
        .env('LAPWING_LOG'),
    )
    .option('--verbose', 'show every log line of every service', false)
    .addHelpText(
      'after',
      `
Environment:
  PROMETHEUS_URL   read this Prometheus instead of the demo workload
  KAFKA_BROKERS    use these brokers (host:port, comma-separated); else Docker, else Apache Kafka on Java 17, else in-process
  LAPWING_LOG      as --log

Examples:
  lapwing start
  PROMETHEUS_URL=http://localhost:9090 lapwing start
  lapwing start --config lapwing.yaml --set reporter.port=9000`,
    )
    .action(async (flags: StartFlags) => {
      // Loaded only when needed: help must not wait for five services to be read.
      const { start } = await import('./start/start.ts')
      await start(flags)
    })
}
