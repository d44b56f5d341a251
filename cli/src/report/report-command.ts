/** `lapwing report daily|weekly|monthly`: what happened, as one HTML file. */
import { reportKinds } from '@lapwing/reports/report-period'
import { timeZone } from '@lapwing/service/config-fields'
import { Argument, Command, InvalidArgumentError } from 'commander'
import type { ReportFlags } from './make-report.ts'

export function reportCommand(): Command {
  return new Command('report')
    .description(
      'Write the report of a day, a week or a month as one HTML file: incidents, noise removed and why, accuracy, alert budget, worst series, models, coverage.',
    )
    .addArgument(new Argument('<kind>', 'of report').choices(reportKinds))
    .option('--date <date>', 'a day in the period, such as 2026-03-01 (default: the last period that is over)')
    .option(
      '--time-zone <name>',
      'whose days they are, such as Europe/Berlin (default: reporter.reports.time_zone, UTC unless set)',
      zoneOrRefusal,
    )
    .option('-o, --output <file>', 'file to write, - for standard output (default: lapwing-KIND-PERIOD.html)')
    .option('--png <file>', 'the plot of the episodes as a picture')
    .option('--labels <file>', 'when something was wrong (docs/backtest.md)')
    .option('-c, --config <file>', 'configuration file (default: lapwing.yaml, if there is one)')
    .option('--profile <name>', 'lay FILE.PROFILE.yaml over the configuration file')
    .option('--json', 'the numbers as one JSON object on standard output, no file', false)
    .addHelpText(
      'after',
      `
The log holds anomalies and notifications for 35 days: a month is there until the fourth of the next.

Examples:
  lapwing report daily
  lapwing report weekly --date 2026-03-04 --output week.html --labels labels.yaml
  lapwing report monthly --json | jq .figures`,
    )
    .action(async (kind: ReportFlags['kind'], flags: Omit<ReportFlags, 'kind'>) => {
      const [{ withDeployment }, { makeReport }] = await Promise.all([
        import('../topics/open-log.ts'),
        import('./make-report.ts'),
      ])
      await withDeployment(flags, (deployment) => makeReport(deployment, { ...flags, kind }, Date.now()))
    })
}

function zoneOrRefusal(name: string): string {
  if (timeZone().safeParse(name).success) return name
  throw new InvalidArgumentError('Expected a name such as Europe/Berlin.')
}
