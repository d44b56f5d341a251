/** `lapwing alerts`: what fires, why somebody was told or not, and what another configuration would have told. */
import { Command, InvalidArgumentError, Option } from 'commander'
import type { ConnectionFlags } from '../topics/open-log.ts'

interface JsonFlags extends ConnectionFlags {
  readonly json: boolean
}

export function alertsCommand(): Command {
  return new Command('alerts')
    .description('Alerts as the alerter knows them.')
    .addCommand(listCommand())
    .addCommand(explainCommand('show', 'Show one alert: what is true of it, and what each receiver was told.'))
    .addCommand(explainCommand('explain', 'Explain step by step why an alert was told, or why not.'))
    .addCommand(whatIfCommand())
}

function listCommand(): Command {
  return brokersCommand('list')
    .description('List the alerts that fire, the most severe first.')
    .option('--all', 'those too that ended a while ago', false)
    .option('--json', 'one JSON line per alert instead of a table', false)
    .action(async (flags: JsonFlags & { readonly all: boolean }) => {
      const [{ withDeployment }, { listAlerts }] = await Promise.all([
        import('../topics/open-log.ts'),
        import('./list-alerts.ts'),
      ])
      await withDeployment(flags, (deployment) => listAlerts(deployment, flags))
    })
}

function explainCommand(name: 'show' | 'explain', description: string): Command {
  return brokersCommand(name)
    .description(description)
    .argument('<id>', 'of the alert, as `alerts list` shows it; the beginning is enough when it is unique')
    .option('--json', 'JSON lines instead of text', false)
    .action(async (id: string, flags: JsonFlags) => {
      const [{ withDeployment }, { showAlert, explainAlert }] = await Promise.all([
        import('../topics/open-log.ts'),
        import('./explain-alert.ts'),
      ])
      await withDeployment(flags, (deployment) => (name === 'show' ? showAlert : explainAlert)(deployment, id, flags.json))
    })
}

function whatIfCommand(): Command {
  return new Command('what-if')
    .description('Replay recorded anomalies and say which notifications another configuration would add or remove.')
    .requiredOption('-c, --config <file>', 'the configuration to try')
    .option('--current <file>', 'the configuration to compare with (default: lapwing.yaml, if there is one)')
    .addOption(
      new Option('--since <duration>', 'how far back, e.g. 12h or 30d; anomalies are kept for 35 days')
        .argParser(parseSince)
        .default(30 * 86_400_000, '30d'),
    )
    .option('--json', 'one JSON line per notification that differs', false)
    .addHelpText(
      'after',
      `
Both configurations decide about the same records, on the records' own clock, as if every message arrived at once. Silences of
Alertmanager are not known for the past and left out.

Environment:
  KAFKA_BROKERS   use these brokers (host:port, comma-separated)`,
    )
    .action(async (flags: { config: string; current?: string; since: number; json: boolean }) => {
      const [{ withDeployment }, { whatIf }] = await Promise.all([import('../topics/open-log.ts'), import('./what-if.ts')])
      const { config, current, since: sinceMs, json } = flags
      await withDeployment({ config }, (deployment) => whatIf(deployment, { config, current, sinceMs, json }, Date.now()))
    })
}

function brokersCommand(name: string): Command {
  return new Command(name)
    .option('-c, --config <file>', 'configuration; its kafka section is used (default: lapwing.yaml, if there is one)')
    .option('--profile <name>', 'lay FILE.PROFILE.yaml over the configuration file')
    .addHelpText('after', '\nEnvironment:\n  KAFKA_BROKERS   use these brokers (host:port, comma-separated)')
}

function parseSince(text: string): number {
  const [, amount, unit] = /^(\d{1,4})([hd])$/.exec(text) ?? []
  if (amount === undefined) throw new InvalidArgumentError('Expected a duration such as 12h or 30d.')
  return Number(amount) * (unit === 'h' ? 3_600_000 : 86_400_000)
}
