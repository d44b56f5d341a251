/** `lapwing queries`: what is polled, and whether it is worth polling. */
import { Command, InvalidArgumentError } from 'commander'

interface QueriesFlags {
  readonly config?: string
  readonly profile?: string
  readonly set: readonly string[]
  readonly json: boolean
}

export function queriesCommand(): Command {
  return new Command('queries')
    .description('The queries of the configuration and its presets.')
    .addCommand(listCommand())
    .addCommand(checkCommand())
}

function listCommand(): Command {
  return configuredCommand('list')
    .description('List the queries with what they are judged by, and where each comes from. Asks nobody.')
    .option('--json', 'one JSON line per query instead of a table', false)
    .action(async (flags: QueriesFlags) => {
      const { listQueries } = await import('./list-queries.ts')
      process.stdout.write(listQueries(flags))
    })
}

function checkCommand(): Command {
  return configuredCommand('check')
    .description('Run every query once, as it would be polled, and tell what it brings and costs. Writes nothing anywhere.')
    .option('--window <duration>', 'how much of the past to ask for', parseWindow, 3_600_000)
    .option('--json', 'one JSON line per query instead of a table', false)
    .addHelpText(
      'after',
      `
Columns:
  series     time series in the result
  sparse     share of them without a value at more than 30 % of their steps; their scores are of little use
  constant   share of them that did not change once
  cost       time from request to parsed answer
  memory     what they become in the memory of the detectors
  note       a counter read without a rate; what a query failed with, in the words of Prometheus

The exit code is 1 when a query failed.

Examples:
  lapwing queries check
  PROMETHEUS_URL=http://localhost:9090 lapwing queries check --set 'ingestor.presets=[node-exporter, jvm]'
  lapwing queries check --window 6h --json | jq 'select(.error)'`,
    )
    .action(async (flags: QueriesFlags & { readonly window: number }) => {
      const { runCheck } = await import('./run-check.ts')
      if (!(await runCheck(flags))) process.exitCode = 1
    })
}

function configuredCommand(name: string): Command {
  return new Command(name)
    .option('-c, --config <file>', 'configuration file (default: lapwing.yaml, if there is one)')
    .option('--profile <name>', 'lay FILE.PROFILE.yaml over the configuration file')
    .option('--set <key=value>', 'one setting; may be repeated', (value, all: string[]) => [...all, value], [])
}

/** `30m`, `6h`, `1d` in milliseconds. */
function parseWindow(text: string): number {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 's' | 'm' | 'h' | 'd']
  if (amount === undefined || unitMs === undefined) throw new InvalidArgumentError('Expected a duration such as 30m, 6h or 1d.')
  return Number(amount) * unitMs
}
