/** `lapwing grafana`: our dashboards into a Grafana, and whether they are still there as they should be. */
import { readFileSync } from 'node:fs'
import type { GrafanaClient, GrafanaCredentials } from '@lapwing/grafana/grafana-client'
import { Command } from 'commander'
import { UserError } from '../user-error.ts'
import type { TellDashboard } from './tell-dashboard.ts'

interface GrafanaFlags {
  readonly url?: string
  readonly tokenFile?: string
  readonly user?: string
  readonly passwordFile?: string
  readonly folder: string
  readonly json: boolean
}

export function grafanaCommand(): Command {
  return new Command('grafana')
    .description('Put the dashboards of Lapwing into a Grafana, and check that they are there as they should be.')
    .addCommand(
      withConnection(new Command('apply').description('Create or replace the dashboards, in a folder of their own.')).action(
        apply,
      ),
    )
    .addCommand(
      withConnection(
        new Command('check').description(
          'Compare what is there with what should be. Exit code 1 when a dashboard is absent or was changed.',
        ),
      ).action(check),
    )
}

function withConnection(command: Command): Command {
  return command
    .option('--url <address>', 'of Grafana, such as http://grafana:3000')
    .option('--token-file <file>', 'file with the token of a service account of role Editor')
    .option('--user <name>', 'instead of a token')
    .option('--password-file <file>', 'file with the password of the user')
    .option('--folder <uid>', 'folder for the dashboards, made when it is absent', 'lapwing')
    .option('--json', 'one JSON line for each dashboard', false)
    .addHelpText('after', helpText)
}

const helpText = `
Environment, where the option is left out:
  GRAFANA_URL, GRAFANA_TOKEN, GRAFANA_USER, GRAFANA_PASSWORD

Without this command: deploy/grafana/dashboards holds the same dashboards as files, for provisioning.`

async function apply(flags: GrafanaFlags): Promise<void> {
  const { applyDashboards } = await import('./apply-dashboards.ts')
  await withGrafana(flags, (client) => applyDashboards(client, flags.folder, write(flags)))
}

async function check(flags: GrafanaFlags): Promise<void> {
  const { checkDashboards } = await import('./check-dashboards.ts')
  const isAsItShould = await withGrafana(flags, (client) => checkDashboards(client, flags.folder, write(flags)))
  if (!isAsItShould) process.exitCode = 1
}

function write({ json }: GrafanaFlags): TellDashboard {
  return (dashboard, outcome, detail) =>
    void process.stdout.write(
      json ? `${JSON.stringify({ dashboard, outcome, detail })}\n` : `${outcome.padEnd(9)} ${dashboard.padEnd(18)} ${detail}\n`,
    )
}

/** Failures of Grafana are for the user to put right, so they are said without a stack. */
async function withGrafana<Result>(flags: GrafanaFlags, command: (client: GrafanaClient) => Promise<Result>): Promise<Result> {
  const { createGrafanaClient } = await import('@lapwing/grafana/grafana-client')
  const { GrafanaError } = await import('@lapwing/grafana/grafana-errors')
  const url = (flags.url ?? process.env.GRAFANA_URL)?.replace(/\/+$/, '')
  if (!url || !URL.canParse(url)) throw new UserError('Say where Grafana is: --url http://grafana:3000, or GRAFANA_URL.')
  const credentials = credentialsOf(flags, process.env)
  try {
    return await command(createGrafanaClient({ url, credentials }))
  } catch (error) {
    if (error instanceof GrafanaError) throw new UserError(`${url}: ${error.message}`)
    throw error
  }
}

function credentialsOf(flags: GrafanaFlags, environment: NodeJS.ProcessEnv): GrafanaCredentials {
  const token = flags.tokenFile ? secretIn(flags.tokenFile) : environment.GRAFANA_TOKEN
  const user = flags.user ?? environment.GRAFANA_USER
  const password = flags.passwordFile ? secretIn(flags.passwordFile) : environment.GRAFANA_PASSWORD
  if (token && (flags.tokenFile || !flags.user)) return { token }
  if (user && password) return { user, password }
  throw new UserError(
    'Say who you are: --token-file FILE or GRAFANA_TOKEN; or --user NAME with --password-file FILE or GRAFANA_PASSWORD.',
  )
}

function secretIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new UserError(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}
