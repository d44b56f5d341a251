/**
 * `lapwing topics dead-letters replay`: puts the selected letters back where they came from.
 *
 * At least once: what is said to be sent is acknowledged by the log, and after a failure some records more may be there. The
 * letters stay where they are, so a replay can be repeated.
 */

import { visible } from '../terminal/text-table.ts'
import { UserError } from '../user-error.ts'
import type { LetterPlace, LetterSelection } from './dead-letter.ts'
import type { Deployment } from './open-log.ts'
import { createReplayPlan, type ReplayDecision, replayableTopics } from './replay-plan.ts'
import { type FoundLetter, scanLetters, scanPlace } from './scan-letters.ts'
import { unlessAbsent } from './unless-absent.ts'

export interface ReplayOptions {
  readonly selection: LetterSelection
  /** Only the letter that stands here. */
  readonly place: LetterPlace | undefined
  readonly dryRun: boolean
}

/** Letters by what became of them. */
export type ReplayCounts = Readonly<Record<ReplayDecision['kind'], number>>

/** Rejects with a UserError when no letter is selected or there is no such topic, and as the log does. */
export async function replayDeadLetters(deployment: Deployment, options: ReplayOptions): Promise<ReplayCounts> {
  const { log, write } = deployment
  const { selection, place, dryRun } = options
  const decide = createReplayPlan(await partitionCounts(deployment))
  const counts = { send: 0, repeated: 0, refused: 0 }
  const producer = dryRun ? undefined : await log.producer()
  for await (const found of place ? scanPlace(deployment, place, selection) : scanLetters(deployment, selection)) {
    const decided = found.map((one) => ({ ...one, decision: decide(one.letter) }))
    await producer?.send(decided.flatMap(({ decision }) => (decision.kind === 'send' ? [decision.record] : [])))
    for (const { decision } of decided) counts[decision.kind]++
    write(decided.map((one) => outcomeLine(one, one.decision, dryRun ? 'would send' : 'sent')).join(''))
  }
  await producer?.close()
  if (counts.send + counts.repeated + counts.refused === 0) throw new UserError(nothingFound(options))
  write(`${counts.send} ${dryRun ? 'would be sent' : 'sent'}, ${counts.repeated} repeated, ${counts.refused} refused\n`)
  return counts
}

async function partitionCounts({ log, prefix }: Deployment): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const topic of replayableTopics(prefix)) {
    const count = await unlessAbsent(log.partitionCount(topic))
    if (count !== undefined) counts.set(topic, count)
  }
  return counts
}

function outcomeLine({ record, letter }: FoundLetter, decision: ReplayDecision, sent: string): string {
  const place = `${record.partition}/${record.offset}`
  switch (decision.kind) {
    case 'send':
      return `${place}: ${sent} ${letter.value?.length ?? 0} B to ${visible(letter.topic)}, partition ${letter.partition}\n`
    case 'repeated':
      return `${place}: not sent, an earlier letter has the same bytes\n`
    case 'refused':
      return `${place}: refused, ${visible(decision.why)}\n`
  }
}

function nothingFound({ place }: ReplayOptions): string {
  return place ? `No dead letter at ${place.partition}/${place.offset} that fits the other options.` : 'No dead letters fit.'
}
