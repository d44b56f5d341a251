/** `lapwing backtest`: arguments, and where each goes. */
import { Command, InvalidArgumentError } from 'commander'
import type { BacktestFlags } from './run-backtest.ts'

/** A gate was not passed; 1 and 2 are taken by failures and by what the user can put right. */
const gateExitCode = 3

export function backtestCommand(): Command {
  return new Command('backtest')
    .description(
      'Replay a past range through the pipeline, as it would have run: what would have been found, and what people would have been told. ' +
        'Asks Prometheus, writes nothing to the log, tells nobody.',
    )
    .option('-q, --query <promql>', 'PromQL to judge; may be repeated (default: the queries of the configuration)', collect, [])
    .option('--from <time>', 'when judging begins: 2026-03-01T10:00:00Z, -7d … (default: -7d; with --csv the first row)')
    .option('--to <time>', 'when it ends (default: now; with --csv the last row)')
    .option('--prometheus <url>', 'Prometheus to ask (default: PROMETHEUS_URL, or prometheus_url of the configuration)')
    .option(
      '--csv <folder>',
      'judge CSV files instead: each is a series, timestamp,value; FOLDER/node-1/load.csv is load{instance="node-1"}',
    )
    .option('--step <duration>', 'distance of two evaluations (default: the configuration; with --csv that of the rows)')
    .option('-c, --config <file>', 'configuration file (default: lapwing.yaml, if there is one)')
    .option('--profile <name>', 'lay FILE.PROFILE.yaml over the configuration file')
    .option('--set <key=value>', 'one setting; may be repeated', collect, [])
    .option('--labels <file>', 'when something was wrong, to be judged by (docs/backtest.md)')
    .option('--compare <file>', 'another configuration: show what it would change')
    .option('--json', 'one JSON object instead of tables', false)
    .option('--export-csv <file>', 'every judged sample with score, band and whether it lies in an episode')
    .option('--html <file>', 'a report with a plot for each series, in one file')
    .option('--png <file>', 'a picture of the series with the most told episodes')
    .option('--min-precision <share>', `exit ${gateExitCode} when fewer of the told episodes are right; needs --labels`, share)
    .option('--max-alerts-per-day <number>', `exit ${gateExitCode} when people would have been told more often`, amount)
    .addHelpText(
      'after',
      `
Time before --from (ingestor.history, 6h unless told otherwise) warms the detector up, as it does when a query is new.
What people said of episodes, and models of whole entities, are left out.

Columns:
  trend      the series over the range
  anomalous  share of its samples with a score above 1
  episodes   of them, told: what people would have been told of, once duplicates, flapping, mutes, holds and the budget are through

Exit codes: 0 done, 1 failed, 2 can be put right by you, ${gateExitCode} a gate (--min-precision, --max-alerts-per-day) was not passed.

Examples:
  lapwing backtest --query 'node_load1' --prometheus http://localhost:9090 --from -7d
  lapwing backtest --csv recorded/ --labels labels.yaml --min-precision 0.8 --html backtest.html
  lapwing backtest --from 2026-03-01 --to 2026-03-08 --compare stricter.yaml`,
    )
    .action(async (flags: BacktestFlags) => {
      const { runBacktest } = await import('./run-backtest.ts')
      if (!(await runBacktest(flags))) process.exitCode = gateExitCode
    })
}

function collect(value: string, all: readonly string[]): string[] {
  return [...all, value]
}

function share(text: string): number {
  const value = amount(text)
  if (value > 1) throw new InvalidArgumentError('Expected a share from 0 to 1, such as 0.8.')
  return value
}

function amount(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0)) throw new InvalidArgumentError('Expected a number that is not below 0.')
  return value
}
