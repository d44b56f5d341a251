/** `lapwing topics list`: asks the brokers for every topic of the catalogue. */
import { type TopicName, topicName, topics } from '@lapwing/contracts/topics'
import { jsonLine } from '../terminal/text-table.ts'
import type { Deployment } from './open-log.ts'
import { type TopicRow, topicRow, topicTable } from './topic-row.ts'
import { unlessAbsent } from './unless-absent.ts'

export async function listTopics({ log, prefix, write }: Deployment, { json }: { readonly json: boolean }): Promise<void> {
  const rows: TopicRow[] = []
  for (const name of Object.keys(topics) as TopicName[]) {
    rows.push(topicRow(prefix, name, await unlessAbsent(log.offsets(topicName(prefix, name)))))
  }
  write(json ? rows.map(jsonLine).join('') : topicTable(rows))
}
