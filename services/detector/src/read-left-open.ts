/** The episodes that are open on the anomaly topic. */
import { decodeIfReadable } from '@lapwing/contracts/codec'
import type { Anomaly } from '@lapwing/contracts/records'
import type { Log } from '@lapwing/stream/log'
import { followOpen } from './left-open.ts'

/** Newest record of each of one's own episodes that were opened in this partition and not ended. Rejects with a LogError. */
export async function readLeftOpen(
  log: Log,
  anomaliesTopic: string,
  partition: number,
  isOwn: (anomaly: Anomaly) => boolean,
): Promise<readonly Anomaly[]> {
  const open = new Map<string, Anomaly>()
  const { earliest, next } = (await log.offsets(anomaliesTopic))[partition]!
  for await (const records of log.readRange(anomaliesTopic, partition, earliest, next)) {
    const readable = records.flatMap(({ value }) => decodeIfReadable('Anomaly', value) ?? [])
    followOpen(open, readable.filter(isOwn))
  }
  return [...open.values()]
}
