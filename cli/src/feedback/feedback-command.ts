/** `lapwing feedback`: what a person says of an anomaly, or takes back. */
import { userInfo } from 'node:os'
import { duration } from '@lapwing/service/config-fields'
import { Argument, Command, InvalidArgumentError } from 'commander'
import type { ConnectionFlags } from '../topics/open-log.ts'
import { UserError } from '../user-error.ts'
import { type Saying, sayings } from './sayings.ts'

interface FeedbackFlags extends ConnectionFlags {
  readonly for?: number
  readonly undo: boolean
  readonly by: string
  readonly comment: string
  readonly json: boolean
}

export function feedbackCommand(): Command {
  return new Command('feedback')
    .description('Say what an anomaly was: the detector keeps to it, on that series and for episodes like it.')
    .addArgument(new Argument('<anomaly-id>', 'id of an anomaly record or of its episode, or how it begins (at least 6 digits)'))
    .addArgument(new Argument('[verdict]', 'what it was; left out with --undo').choices(Object.keys(sayings)))
    .option('--for <time>', 'how long it holds, such as 4h: with expected (needed) and known', parseTime)
    .option('--undo', 'take back what was said of this anomaly', false)
    .option('--by <name>', 'who says it', userInfo().username)
    .option('--comment <text>', 'why', '')
    .option('-c, --config <file>', 'configuration; its kafka section is used (default: lapwing.yaml, if there is one)')
    .option('--profile <name>', 'lay FILE.PROFILE.yaml over the configuration file')
    .option('--json', 'one JSON line instead of sentences', false)
    .addHelpText('after', helpText)
    .action(feedback)
}

const helpText = `
Verdicts:
${Object.entries(sayings)
  .map(([name, { means }]) => `  ${name.padEnd(13)} ${means}`)
  .join('\n')}

Environment:
  KAFKA_BROKERS   use these brokers (host:port, comma-separated)

Examples:
  lapwing feedback 3f2a91c0 false-alarm --comment "nightly backup"
  lapwing feedback 3f2a91c0 expected --for 4h
  lapwing feedback 3f2a91c0 --undo`

async function feedback(anomalyId: string, verdict: string | undefined, flags: FeedbackFlags): Promise<void> {
  const saying = sayingOf(verdict, flags)
  const [{ withDeployment }, { giveFeedback }] = await Promise.all([
    import('../topics/open-log.ts'),
    import('./give-feedback.ts'),
  ])
  const { by: author, comment, json } = flags
  const given = { anomalyId, saying, forMs: flags.for, author, comment, atMs: Date.now(), json }
  await withDeployment(flags, (deployment) => giveFeedback(deployment, given))
}

/** Throws a UserError when the words do not go together. */
function sayingOf(verdict: string | undefined, { undo, for: forMs }: FeedbackFlags): Saying | 'undo' {
  if (undo) {
    if (verdict || forMs) throw new UserError('--undo takes back what was said: leave the verdict and --for out.')
    return 'undo'
  }
  if (!verdict) throw new UserError(`Say what it was: ${Object.keys(sayings).join(', ')}; or take it back with --undo.`)
  const saying = sayings[verdict as keyof typeof sayings]
  if (saying.time === 'needed' && !forMs) throw new UserError(`${verdict} holds for a time: add --for, such as --for 4h.`)
  if (saying.time === 'never' && forMs) throw new UserError(`${verdict} is for good: leave --for out, or say expected.`)
  return saying
}

function parseTime(text: string): number {
  const parsed = duration(1000).safeParse(text)
  if (!parsed.success) throw new InvalidArgumentError('Expected a time of at least a second, such as 30m, 4h or 2h30m.')
  return parsed.data.ms
}
