/** `lapwing evaluate`: how accurate it is, by labels and by what people said. */
import { Command } from 'commander'
import type { ConnectionFlags } from '../topics/open-log.ts'

export interface EvaluateFlags extends ConnectionFlags {
  readonly from: string
  readonly to: string
  readonly labels?: string
  readonly faults?: string
  readonly keep?: string
  readonly history?: string
  readonly scored?: string
  readonly all: boolean
  readonly json: boolean
}

export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description(
      'Precision, recall, F1, delay and false alarms a day, by series, model and route: from the anomalies and verdicts on the log, and from labels. ' +
        'With --scored, of a file of scores, sample by sample too.',
    )
    .option('--from <time>', 'begin of the time: 2026-03-01T10:00:00Z, -7d …', '-7d')
    .option('--to <time>', 'its end', 'now')
    .option('--labels <file>', 'when something was wrong (docs/backtest.md)')
    .option('--faults <file>', 'faults that were put in, as labels with a kind: judges their series only, told or not')
    .option('--keep <file>', 'add the result to a file of results, and show how it changed over time')
    .option('--history <file>', 'show what a file of results holds, and nothing else')
    .option('--scored <file>', 'CSV of `lapwing backtest --export-csv` instead of the log; needs --labels')
    .option('--all', 'judge those episodes too that nobody was told of', false)
    .option('-c, --config <file>', 'configuration file (default: lapwing.yaml, if there is one)')
    .option('--profile <name>', 'lay FILE.PROFILE.yaml over the configuration file')
    .option('--json', 'one JSON object instead of tables', false)
    .addHelpText(
      'after',
      `
Two judgements, kept apart:
  labels    an episode that opens inside of a labelled window is right; a window without one was missed
  verdicts  of the episodes that people judged, those called confirmed or known are right

The canary (docs/canary.md) is judged by the faults it is known to have, beside the others, where its episodes are on the log.

With --scored every sample inside of an episode counts as called anomalous, without any adjustment: confusion matrix, classification report,
average precision (PR-AUC) and VUS-PR with a buffer of 100 rows.

Examples:
  lapwing evaluate --from -30d
  lapwing evaluate --labels labels.yaml --json
  lapwing evaluate --faults faults.yaml --keep accuracy.jsonl
  lapwing evaluate --history reports/evaluations.jsonl
  lapwing backtest --csv recorded/ --export-csv scored.csv && lapwing evaluate --scored scored.csv --labels labels.yaml`,
    )
    .action(async (flags: EvaluateFlags) => {
      const { evaluateLog, evaluateScored, keptText } = await import('./evaluate.ts')
      if (flags.history !== undefined) process.stdout.write(keptText(flags.history, flags.json))
      else if (flags.scored !== undefined) process.stdout.write(evaluateScored(flags.scored, flags.labels, flags.json))
      else {
        const { withDeployment } = await import('../topics/open-log.ts')
        await withDeployment(flags, (deployment) => evaluateLog(deployment, flags, Date.now()))
      }
    })
}
