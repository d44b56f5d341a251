/** Writes a verdict to the feedback topic and tells what it will change. */
import { encode } from '@lapwing/contracts/codec'
import type { Anomaly, Feedback } from '@lapwing/contracts/records'
import { seriesText } from '@lapwing/contracts/series'
import { topicName } from '@lapwing/contracts/topics'
import { verdictRecord } from '@lapwing/contracts/verdict-record'
import { jsonLine, visible } from '../terminal/text-table.ts'
import type { Deployment } from '../topics/open-log.ts'
import { unlessAbsent } from '../topics/unless-absent.ts'
import { UserError } from '../user-error.ts'
import { type FoundAnomaly, findAnomaly } from './find-anomaly.ts'
import type { Saying } from './sayings.ts'

export interface GivenFeedback {
  /** As the person typed it. */
  readonly anomalyId: string
  readonly saying: Saying | 'undo'
  readonly forMs: number | undefined
  readonly author: string
  readonly comment: string
  readonly atMs: number
  readonly json: boolean
}

/** Rejects with a UserError when the anomaly is not found or the verdict would change nothing. */
export async function giveFeedback(deployment: Deployment, given: GivenFeedback): Promise<void> {
  const { log, prefix, write } = deployment
  const topic = topicName(prefix, 'feedback')
  const found = await findAnomaly(deployment, given.anomalyId)
  refuseWhenTooLate(found, given)
  const feedback = feedbackOf(found, given)
  const record = { partition: found.partition, key: Buffer.from(feedback.anomalyId), value: encode('Feedback', feedback) }
  const producer = await log.producer()
  const sent = await unlessAbsent(producer.send([{ topic, ...record }]).then(() => true))
  await producer.close()
  if (!sent)
    throw new UserError(`${topic} is not on these brokers: the services there are of an older release; start the new one first.`)
  const { partition } = found
  write(
    given.json
      ? jsonLine({ ...feedback, topic, partition })
      : sentences(found, feedback, given, `${topic}, partition ${partition}`),
  )
}

function refuseWhenTooLate({ latest }: FoundAnomaly, { saying }: GivenFeedback): void {
  if (saying === 'undo' || saying.verdict !== 'new_normal' || latest.state !== 'resolved') return
  throw new UserError(
    `The episode ended at ${timeText(latest.observedAtMs)}: the series is back to what is normal for it, and there is no new level to take over.`,
  )
}

function feedbackOf({ anomaly, latest }: FoundAnomaly, { saying, forMs, author, comment, atMs }: GivenFeedback): Feedback {
  const verdict = saying === 'undo' ? 'undone' : saying.verdict
  const untilMs = forMs === undefined ? null : Math.round(atMs + forMs)
  return verdictRecord(anomaly, latest.signature, { verdict, author, comment, origin: 'cli', atMs, untilMs })
}

function sentences({ latest }: FoundAnomaly, feedback: Feedback, { saying }: GivenFeedback, place: string): string {
  const until = feedback.untilMs === null ? '' : ` until ${timeText(feedback.untilMs)}`
  const effect =
    saying === 'undo' ? 'What was said of it no longer holds; what was told meanwhile is not told again.' : saying.effect(until)
  const lines = [
    `${feedback.verdict.replace('_', ' ')}: ${describe(latest)}`,
    effect,
    ...(feedback.signature || saying === 'undo'
      ? []
      : [
          'The record does not say what the episode was like (an older release wrote it): the verdict holds for this episode only.',
        ]),
    `Written to ${place}. It takes effect with the next samples of the series, within about a second of them.`,
    ...(saying === 'undo' ? [] : [`Take it back: lapwing feedback ${feedback.anomalyId.slice(0, 12)} --undo`]),
  ]
  return `${lines.map(visible).join('\n')}\n`
}

function describe({ labels, startedAtMs, severity, state, signature }: Anomaly): string {
  const when = `${state === 'resolved' ? 'was' : 'is'} ${severity} since ${timeText(startedAtMs)}`
  if (!signature) return `${seriesText(labels)}, ${when}`
  const { upDeviations, downDeviations, anomalousSamples, reasons } = signature
  const furthest = upDeviations >= downDeviations ? `${upDeviations.toFixed(1)} above` : `${downDeviations.toFixed(1)} below`
  const why = reasons.map(({ name, share }) => `${name} ${Math.round(share * 100)} %`).join(', ')
  return `${seriesText(labels)}, ${when}; up to ${furthest} the expected value in half-widths of the band, ${anomalousSamples} anomalous samples; ${why}`
}

function timeText(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, -5)}Z`
}
