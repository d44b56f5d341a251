/** Puts verdicts of people onto the feedback topic, each with what its episode was like. */
import { encode } from '@lapwing/contracts/codec'
import type { Feedback } from '@lapwing/contracts/records'
import { type GivenVerdict, verdictRecord } from '@lapwing/contracts/verdict-record'
import type { Log } from '@lapwing/stream/log'
import { type FoundEpisode, findEpisodes, type IsWanted } from './find-episodes.ts'

/** Episodes of one partition. */
export interface JudgedPlace {
  readonly partition: number
  readonly episodeIds: readonly string[]
}

export interface VerdictWriter {
  /**
   * Resolves when they are on the log, with what was written: nothing of an episode that is held no more, of one that is too late to be
   * taken for normal, or what was said by this very request before. Rejects with a LogError; they may then be on the log or not, and giving
   * them again changes nothing.
   */
  give(places: readonly JudgedPlace[], given: GivenVerdict): Promise<Feedback[]>
  /** On one episode that is named by its own id or that of one of its records. */
  giveNamed(id: string, given: GivenVerdict): Promise<Feedback | 'unknown_anomaly' | 'episode_over'>
  close(): Promise<void>
}

export interface VerdictWriterOptions {
  readonly log: Log
  readonly topics: { readonly anomalies: string; readonly feedback: string }
  /** Whether the record of this id is on the log. */
  hasSeen(id: string): boolean
}

export async function openVerdictWriter({ log, topics, hasSeen }: VerdictWriterOptions): Promise<VerdictWriter> {
  const partitions = Array.from({ length: await log.partitionCount(topics.anomalies) }, (_, partition) => partition)
  const producer = await log.producer()
  const search = (partition: number, isWanted: IsWanted, count: number) =>
    findEpisodes({ log, topic: topics.anomalies, partition }, isWanted, count)
  const write = async (episodes: readonly FoundEpisode[], given: GivenVerdict) => {
    const said = episodes
      .filter((episode) => !isTooLate(episode, given))
      .map(({ partition, opened, latest }) => ({ partition, feedback: verdictRecord(opened, latest.signature, given) }))
      .filter(({ feedback }) => !hasSeen(feedback.id))
    const records = said.map(({ partition, feedback }) => ({
      ...{ topic: topics.feedback, partition, key: Buffer.from(feedback.anomalyId), value: encode('Feedback', feedback) },
    }))
    if (records.length > 0) await producer.send(records)
    return said.map(({ feedback }) => feedback)
  }
  return {
    give: async (places, given) => {
      const known = places.filter(({ partition }) => partition < partitions.length)
      const found = await Promise.all(
        known.map(({ partition, episodeIds }) => {
          const wanted = new Set(episodeIds)
          return search(partition, ({ episodeId }) => wanted.has(episodeId), wanted.size)
        }),
      )
      return write(found.flat(), given)
    },
    giveNamed: async (id, given) => {
      const isNamed: IsWanted = (anomaly) => anomaly.episodeId === id || anomaly.id === id
      const found = await Promise.all(partitions.map((partition) => search(partition, isNamed, 1)))
      const [episode] = found.flat()
      if (!episode) return 'unknown_anomaly'
      if (isTooLate(episode, given)) return 'episode_over'
      const [feedback] = await write([episode], given)
      return feedback ?? verdictRecord(episode.opened, episode.latest.signature, given)
    },
    close: () => producer.close(),
  }
}

/** A series that is back to normal has no new level to take over. */
function isTooLate({ latest }: FoundEpisode, { verdict }: GivenVerdict): boolean {
  return verdict === 'new_normal' && latest.state === 'resolved'
}
