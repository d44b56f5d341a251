/**
 * Records of `samples` in the order in which they can be sent: a round holds at most one record of each partition.
 *
 * A client puts what it sends to a partition at once into one batch, and the broker's limit (1 MB) holds for the batch; a
 * round per request keeps every batch to one record, which is half of that at most.
 */
import type { SampleRecord } from '@lapwing/prometheus/sample-batches'
import type { OutgoingRecord } from '@lapwing/stream/log'

export function sampleRounds(records: readonly SampleRecord[], topic: string): OutgoingRecord[][] {
  const sent = new Map<number, number>()
  const rounds: OutgoingRecord[][] = []
  for (const { partition, value } of records) {
    const round = sent.get(partition) ?? 0
    sent.set(partition, round + 1)
    rounds[round] ??= []
    rounds[round].push({ topic, partition, key: null, value })
  }
  return rounds
}
