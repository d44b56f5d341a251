/** The episodes that are open on the anomaly topic. */
import { decodeIfReadable } from '@lapwing/contracts/codec'
import type { Anomaly } from '@lapwing/contracts/records'
import type { Log } from '@lapwing/stream/log'
import { openEpisodes } from './left-open.ts'

/** Newest record of each episode that earlier detectors opened in this partition and did not end. Rejects with a LogError. */
export async function readLeftOpen(log: Log, anomaliesTopic: string, partition: number): Promise<readonly Anomaly[]> {
  const open = new Map<string, Anomaly>()
  const { earliest, next } = (await log.offsets(anomaliesTopic))[partition]!
  for await (const records of log.readRange(anomaliesTopic, partition, earliest, next)) {
    openEpisodes(
      records.flatMap(({ value }) => decodeIfReadable('Anomaly', value) ?? []),
      open,
    )
  }
  return [...open.values()]
}
