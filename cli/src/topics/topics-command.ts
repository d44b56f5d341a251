/** `lapwing topics`: what is on the brokers, and the records that no service could decode. */
import { type TopicName, topicName, topics } from '@lapwing/contracts/topics'
import { duration } from '@lapwing/service/config-fields'
import { Command, InvalidArgumentError } from 'commander'
import type { LetterPlace, LetterSelection } from './dead-letter.ts'
import type { ConnectionFlags } from './open-log.ts'

interface SelectionFlags extends ConnectionFlags {
  readonly topic?: string
  readonly reason?: string
}

interface ListTopicsFlags extends ConnectionFlags {
  readonly json: boolean
}

interface CreateTopicsFlags extends ConnectionFlags {
  readonly wait: number
}

interface ListLettersFlags extends SelectionFlags {
  readonly limit: number
  readonly json: boolean
}

interface ReplayFlags extends SelectionFlags {
  readonly offset?: LetterPlace
  readonly dryRun: boolean
}

export function topicsCommand(): Command {
  return new Command('topics')
    .description("Lapwing's topics on the brokers.")
    .addCommand(listTopicsCommand())
    .addCommand(createTopicsCommand())
    .addCommand(
      new Command('dead-letters')
        .description('Records that a service could not decode, or a receiver refused.')
        .addCommand(listLettersCommand())
        .addCommand(replayCommand()),
    )
}

function listTopicsCommand(): Command {
  return brokersCommand('list')
    .description('List the topics with their partitions, records and cleanup, and say which are absent.')
    .option('--json', 'one JSON line per topic instead of a table', false)
    .addHelpText('after', '\nRecords are counted by offsets: on a compacted topic there are fewer.')
    .action(async (flags: ListTopicsFlags) => {
      const { withDeployment, listTopics } = await loadCommands()
      await withDeployment(flags, (deployment) => listTopics(deployment, flags))
    })
}

function createTopicsCommand(): Command {
  return brokersCommand('create')
    .description('Create the topics that are absent and list all. What is there is compared and left as it is.')
    .option('--wait <duration>', 'how long to wait for brokers that do not answer, such as 30s or 5m', parseWait, 60_000)
    .addHelpText(
      'after',
      `
Services do the same when they start; this is for a step before an installation, or for an account that may create topics where
theirs may not. The exit code is 2 when a topic has another number of partitions than kafka.partitions.`,
    )
    .action(async ({ wait, ...flags }: CreateTopicsFlags) => {
      const { createTopics } = await import('./create-topics.ts')
      const { withDeployment } = await import('./open-log.ts')
      await withDeployment(flags, (deployment) => createTopics(deployment, { waitMs: wait }))
    })
}

function listLettersCommand(): Command {
  return selectingCommand('list')
    .description('List dead letters, newest first. Control characters are shown as escapes.')
    .option('--limit <count>', 'show at most so many', parseCount, 50)
    .option('--json', 'one JSON line per letter instead of a table', false)
    .action(async (flags: ListLettersFlags) => {
      const { withDeployment, listDeadLetters } = await loadCommands()
      const { limit, json } = flags
      await withDeployment(flags, (deployment) =>
        listDeadLetters(deployment, { selection: selectionOf(flags, deployment.prefix), limit, json }),
      )
    })
}

function replayCommand(): Command {
  return selectingCommand('replay')
    .description('Send the original bytes of dead letters back to the topic and partition they came from, at least once.')
    .option('--offset <partition/offset>', 'only the letter at this place, as `list` shows it', parsePlace)
    .option('--dry-run', 'say what would be sent, send nothing', false)
    .addHelpText(
      'after',
      `
Without options all letters are replayed. The letters stay; equal bytes are sent once per replay. Headers are not kept in a letter.
Refused are letters whose bytes may be incomplete, and those from anywhere but this deployment's topics that keep records by age.
The exit code is 1 when a letter was refused.

Examples:
  lapwing topics dead-letters replay --topic samples --dry-run
  lapwing topics dead-letters replay --offset 3/17`,
    )
    .action(async (flags: ReplayFlags) => {
      const { withDeployment, replayDeadLetters } = await loadCommands()
      const { offset: place, dryRun } = flags
      const counts = await withDeployment(flags, (deployment) =>
        replayDeadLetters(deployment, { selection: selectionOf(flags, deployment.prefix), place, dryRun }),
      )
      if (counts.refused > 0) process.exitCode = 1
    })
}

/** Loaded only when needed: help must not wait for the Kafka client. */
async function loadCommands() {
  const [{ withDeployment }, { listTopics }, { listDeadLetters }, { replayDeadLetters }] = await Promise.all([
    import('./open-log.ts'),
    import('./list-topics.ts'),
    import('./list-dead-letters.ts'),
    import('./replay-dead-letters.ts'),
  ])
  return { withDeployment, listTopics, listDeadLetters, replayDeadLetters }
}

function brokersCommand(name: string): Command {
  return new Command(name)
    .option('-c, --config <file>', 'configuration; its kafka section is used (default: lapwing.yaml, if there is one)')
    .option('--profile <name>', 'lay FILE.PROFILE.yaml over the configuration file')
    .addHelpText('after', '\nEnvironment:\n  KAFKA_BROKERS   use these brokers (host:port, comma-separated)')
}

function selectingCommand(name: string): Command {
  return brokersCommand(name)
    .option('--topic <topic>', 'only letters from this topic, e.g. samples or lapwing.samples.v1')
    .option('--reason <reason>', 'only letters with this reason, e.g. malformed')
}

function selectionOf({ topic, reason }: SelectionFlags, prefix: string): LetterSelection {
  const isShort = topic !== undefined && Object.hasOwn(topics, topic)
  return { topic: isShort ? topicName(prefix, topic as TopicName) : topic, reason }
}

/** Milliseconds. */
function parseWait(text: string): number {
  const parsed = duration().safeParse(text)
  if (!parsed.success) throw new InvalidArgumentError('Expected a duration such as 30s or 5m.')
  return parsed.data.ms
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Expected a whole number of at least 1.')
  return Number(text)
}

function parsePlace(text: string): LetterPlace {
  const [, partition, offset] = /^(\d{1,9})\/(\d{1,18})$/.exec(text) ?? []
  if (partition === undefined || offset === undefined) throw new InvalidArgumentError('Expected PARTITION/OFFSET, such as 3/17.')
  return { partition: Number(partition), offset: BigInt(offset) }
}
