/** Looks an anomaly up on its topic, by its id or that of its episode, or the beginning of either. */
import { decodeIfReadable } from '@lapwing/contracts/codec'
import type { Anomaly } from '@lapwing/contracts/records'
import { topicName } from '@lapwing/contracts/topics'
import type { LogRecord } from '@lapwing/stream/log'
import type { Deployment } from '../topics/open-log.ts'
import { unlessAbsent } from '../topics/unless-absent.ts'
import { UserError } from '../user-error.ts'

export interface FoundAnomaly {
  readonly partition: number
  /** The record that was named; of an episode, the one that opened it. */
  readonly anomaly: Anomaly
  /** The latest record of the same episode. */
  readonly latest: Anomaly
}

/** Rejects with a UserError when there is none, or more than one. */
export async function findAnomaly({ log, prefix }: Deployment, id: string): Promise<FoundAnomaly> {
  if (!/^[0-9a-f]{6,32}$/.test(id)) {
    throw new UserError(
      `${id} is no id of an anomaly: expected 6 to 32 hexadecimal digits, as Slack, the page and the topic show them.`,
    )
  }
  const topic = topicName(prefix, 'anomalies')
  const offsets = await unlessAbsent(log.offsets(topic))
  if (!offsets)
    throw new UserError(`${topic} is not on these brokers: no service has started there, or kafka.topic_prefix is another.`)
  const found = new Map<string, FoundAnomaly>()
  for (const [partition, { earliest, next }] of offsets.entries()) {
    for await (const records of log.readRange(topic, partition, earliest, next))
      for (const record of records) note(record, id, found)
  }
  const [only, ...others] = found.values()
  if (!only) throw new UserError(`No anomaly on ${topic} has an id that begins with ${id}. Anomalies are kept for 35 days.`)
  if (others.length === 0) return only
  const ids = [only, ...others].slice(0, 5).map(({ anomaly }) => `  ${anomaly.id} ${anomaly.metric}`)
  throw new UserError(`${found.size} episodes have an id that begins with ${id}; name more digits:\n${ids.join('\n')}`)
}

/** @param found by episode */
function note({ value, partition }: LogRecord, id: string, found: Map<string, FoundAnomaly>): void {
  // What cannot be read is no anomaly that anybody was told of.
  const anomaly = decodeIfReadable('Anomaly', value)
  if (!anomaly) return
  const known = found.get(anomaly.episodeId)
  if (known) found.set(anomaly.episodeId, { ...known, latest: anomaly })
  else if (anomaly.id.startsWith(id) || anomaly.episodeId.startsWith(id))
    found.set(anomaly.episodeId, { partition, anomaly, latest: anomaly })
}
