/** A verdict of a person as a record: the same whether it is said on the command line, in Slack or on the page. Pure. */
import { createHash } from 'node:crypto'
import type { Anomaly, Feedback } from './records.ts'

/** What the verdict is about: the record that opened the episode. */
export type JudgedEpisode = Pick<Anomaly, 'id' | 'episodeId' | 'seriesKey' | 'startedAtMs'>

/** Times in milliseconds since the epoch. */
export type GivenVerdict = Pick<Feedback, 'verdict' | 'author' | 'comment' | 'origin' | 'atMs' | 'untilMs'>

/**
 * The id is a function of what is said, by whom and when: a request that is repeated makes the same record.
 *
 * @param signature that of the newest record of the episode
 */
export function verdictRecord(opened: JudgedEpisode, signature: Anomaly['signature'], given: GivenVerdict): Feedback {
  const { id: anomalyId, episodeId, seriesKey, startedAtMs } = opened
  const { verdict, author, comment, origin, atMs, untilMs } = given
  const id = createHash('sha256')
    .update(JSON.stringify([anomalyId, verdict, author, atMs]))
    .digest('hex')
    .slice(0, 32)
  return { id, anomalyId, episodeId, seriesKey, verdict, author, comment, origin, atMs, untilMs, startedAtMs, signature }
}
