/** `lapwing mute`: who is not told of what, until when and why. */
import { userInfo } from 'node:os'
import { Command, InvalidArgumentError } from 'commander'

interface FileFlags {
  readonly config?: string
  readonly profile?: string
  readonly file?: string
}

interface AddFlags extends FileFlags {
  readonly matcher: readonly string[]
  readonly for?: number
  readonly until?: number
  readonly author: string
  readonly comment: string
  readonly id?: string
}

export function muteCommand(): Command {
  return new Command('mute')
    .description(
      'Who is not told of what: mutes of the file that alerter.mutes_file names, and those that were given on the page.',
    )
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(expireCommand())
}

function addCommand(): Command {
  return fileCommand('add')
    .description('Write a mute of what matches into the file, from now on. A running alerter reads it within two seconds.')
    .requiredOption('-m, --matcher <matcher...>', `what to mute, e.g. 'instance=~"db-.*"'; all must match`)
    .option('--for <duration>', 'how long, e.g. 90m, 2h or 7d; at most 366 days', parseDuration)
    .option('--until <moment>', 'until when, e.g. 2026-01-05T12:00:00Z', parseMoment)
    .requiredOption('--author <name>', 'who asks for it')
    .requiredOption('--comment <text>', 'why')
    .option('--id <id>', 'name of the mute (default: made from the time)')
    .addHelpText(
      'after',
      `
Matchers see the labels of the series, metric, severity and alertname, as in Alertmanager. What still fires when the mute ends is
told then. For recurring times and calendars edit the file; docs/configuration.md shows how.

Example:
  lapwing mute add -m 'instance=~"db-.*"' --for 2h --author ada --comment "the database moves"`,
    )
    .action(async (flags: AddFlags) => {
      const [{ addMute }, { mutesFile }] = await Promise.all([import('./edit-mutes-file.ts'), import('./mutes-file-place.ts')])
      const { matcher: matchers, author, comment, id, for: forMs, until: untilMs } = flags
      addMute(mutesFile(flags), { matchers, author, comment, id, forMs, untilMs }, Date.now(), write)
    })
}

function listCommand(): Command {
  return fileCommand('list')
    .description('List the mutes of the file, and those that were given on the page and are not over, with what is in force now.')
    .option('--json', 'one JSON line per mute instead of a table', false)
    .addHelpText('after', onTheBrokers)
    .action(async (flags: FileFlags & { readonly json: boolean }) => {
      const { listAllMutes } = await import('./both-places.ts')
      await listAllMutes(flags, Date.now(), write)
    })
}

function expireCommand(): Command {
  return fileCommand('expire')
    .description('End a mute now, of the file or given on the page; one of the file that has not begun is removed.')
    .argument('<id>', 'as `mute list` shows it; of one that was given on the page, its first digits (at least 6) do')
    .option('--by <name>', 'who takes it back, when it was given on the page', userInfo().username)
    .addHelpText('after', onTheBrokers)
    .action(async (id: string, flags: FileFlags & { readonly by: string }) => {
      const { expireAnyMute } = await import('./both-places.ts')
      await expireAnyMute(flags, id, Date.now(), write)
    })
}

const onTheBrokers = `
What was given on the page is on the brokers. With --file nothing but that file is looked at.

Environment:
  KAFKA_BROKERS   use these brokers (host:port, comma-separated)`

function write(text: string): void {
  process.stdout.write(text)
}

function fileCommand(name: string): Command {
  return new Command(name)
    .option(
      '-c, --config <file>',
      'configuration; its alerter.mutes_file and kafka section are used (default: lapwing.yaml, if there is one)',
    )
    .option('--profile <name>', 'lay FILE.PROFILE.yaml over the configuration file')
    .option('-f, --file <file>', 'this file of mutes instead')
}

const unitsMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d{1,6})([mhdw])$/.exec(text) ?? []
  if (amount === undefined || unit === undefined) throw new InvalidArgumentError('Expected a duration such as 90m, 2h or 7d.')
  return Number(amount) * unitsMs[unit]!
}

function parseMoment(text: string): number {
  const ms = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw new InvalidArgumentError('Expected a moment such as 2026-01-05T12:00:00Z.')
  return ms
}
