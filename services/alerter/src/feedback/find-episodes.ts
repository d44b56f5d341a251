/**
 * Looks episodes up on the anomalies topic, newest records first: what a person judges began a moment ago, so a few portions do, whatever
 * the topic holds.
 */
import { decodeIfReadable } from '@lapwing/contracts/codec'
import type { Anomaly } from '@lapwing/contracts/records'
import type { Log, LogRecord } from '@lapwing/stream/log'

export interface FoundEpisode {
  readonly partition: number
  /** The record that opened it, or the earliest that is still held. */
  readonly opened: Anomaly
  readonly latest: Anomaly
}

/** A record or its episode, by either id. */
export type IsWanted = (anomaly: Anomaly) => boolean

const portionRecords = 2000n

/**
 * The episodes on a partition that are wanted, in no order.
 *
 * @param count how many there can be: the search ends when so many are whole
 */
export async function findEpisodes(
  { log, topic, partition }: { log: Pick<Log, 'offsets' | 'readRange'>; topic: string; partition: number },
  isWanted: IsWanted,
  count: number,
): Promise<FoundEpisode[]> {
  const range = (await log.offsets(topic))[partition]
  const found = new Map<string, FoundEpisode>()
  for (let to = range?.next ?? 0n; to > (range?.earliest ?? 0n); ) {
    const from = to - portionRecords > range!.earliest ? to - portionRecords : range!.earliest
    const portion: LogRecord[] = []
    for await (const records of log.readRange(topic, partition, from, to)) portion.push(...records)
    for (const record of portion.reverse()) note(record, isWanted, found)
    if ([...found.values()].filter(({ opened }) => opened.state === 'open').length >= count) break
    to = from
  }
  return [...found.values()]
}

/** @param found by episode; records come newest first */
function note({ value, partition }: LogRecord, isWanted: IsWanted, found: Map<string, FoundEpisode>): void {
  // What cannot be read is no anomaly that anybody was told of.
  const anomaly = decodeIfReadable('Anomaly', value)
  if (!anomaly) return
  const known = found.get(anomaly.episodeId)
  if (known) found.set(anomaly.episodeId, { ...known, opened: anomaly })
  else if (isWanted(anomaly)) found.set(anomaly.episodeId, { partition, opened: anomaly, latest: anomaly })
}
