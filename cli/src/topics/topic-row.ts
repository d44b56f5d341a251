/**
 * What `lapwing topics list` tells of a topic: what the brokers hold beside what the catalogue says it is for.
 *
 * The number of records is the span of offsets: on a compacted topic, and where transactions end, fewer are there. The cleanup
 * is the catalogue's, with which Lapwing creates a topic; a broker where somebody changed it is warned of when a service starts.
 */
import { type TopicDefinition, type TopicName, topicName, topics } from '@lapwing/contracts/topics'
import { textTable } from '../terminal/text-table.ts'

export interface TopicRow {
  readonly topic: string
  readonly present: boolean
  /** 0 when absent, as `records`. */
  readonly partitions: number
  /** At most so many. */
  readonly records: number
  readonly cleanup: string
  /** Names of the records it carries. */
  readonly holds: readonly string[]
}

/** Earliest and next offset of each partition. */
export type TopicOffsets = readonly { readonly earliest: bigint; readonly next: bigint }[]

/** @param offsets undefined when the topic is absent */
export function topicRow(prefix: string, name: TopicName, offsets: TopicOffsets | undefined): TopicRow {
  const { cleanup, records }: TopicDefinition = topics[name]
  return {
    topic: topicName(prefix, name),
    present: offsets !== undefined,
    partitions: offsets?.length ?? 0,
    records: Number((offsets ?? []).reduce((sum, { earliest, next }) => sum + next - earliest, 0n)),
    cleanup,
    holds: records,
  }
}

/** The table, and a sentence about what is absent. */
export function topicTable(rows: readonly TopicRow[]): string {
  const table = textTable(
    [
      { heading: 'topic', align: 'left' },
      { heading: 'partitions', align: 'right' },
      { heading: 'records', align: 'right' },
      { heading: 'cleanup', align: 'left' },
      { heading: 'holds', align: 'left' },
    ],
    rows.map(({ topic, present, partitions, records, cleanup, holds }) => [
      topic,
      present ? String(partitions) : 'absent',
      present ? String(records) : '-',
      cleanup,
      holds.join(', '),
    ]),
  )
  const absent = rows.filter(({ present }) => !present).length
  return absent === 0
    ? table
    : `${table}Absent: ${absent} of ${rows.length} topics; the first service that starts creates them.\n`
}
