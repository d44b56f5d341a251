/** What somebody may do to topics and groups by hand. */
import kafkajs from 'kafkajs'
import type { Rig } from './rig.ts'
import { partitions } from './workload.ts'

/** Sets the position of the detectors' group on every partition; it must have no members. */
export async function setPositions(rig: Rig, to: 'beginning' | 'end'): Promise<void> {
  const topic = rig.topic('samples')
  const offsets = await rig.log.offsets(topic)
  const positions = offsets.map(({ earliest, next }, partition) => ({
    partition,
    offset: String(to === 'beginning' ? earliest : next),
  }))
  await rig.admin.setOffsets({ groupId: `${rig.prefix}-detector`, topic, partitions: positions })
}

export async function deleteGroup(rig: Rig): Promise<void> {
  await rig.admin.deleteGroups([`${rig.prefix}-detector`])
}

/** As if retention had passed: what is before these offsets is gone. */
export async function deleteSamplesBefore(rig: Rig, offsets: readonly bigint[]): Promise<void> {
  const topic = rig.topic('samples')
  // kafkajs asks for the leaders of partitions before it has learned of the topic.
  await rig.admin.fetchTopicOffsets(topic)
  await rig.admin.deleteTopicRecords({
    topic,
    partitions: offsets.map((offset, partition) => ({ partition, offset: String(offset) })),
  })
}

/** Lets the broker compact the state topic as soon as it can. */
export async function compactEagerly(rig: Rig): Promise<void> {
  const configEntries = [
    { name: 'segment.bytes', value: String(1024 * 1024) },
    { name: 'segment.ms', value: '1000' },
    { name: 'min.cleanable.dirty.ratio', value: '0.001' },
    { name: 'max.compaction.lag.ms', value: '1000' },
    { name: 'delete.retention.ms', value: '100' },
    { name: 'cleanup.policy', value: 'compact' },
  ]
  const type = kafkajs.ConfigResourceTypes.TOPIC
  await rig.admin.alterConfigs({ validateOnly: false, resources: [{ type, name: rig.topic('detector-state'), configEntries }] })
}

/** Whether the beginning of some partition of the state topic is gone; its oldest record would be its first otherwise. */
export async function isCompacted(rig: Rig): Promise<boolean> {
  for (let partition = 0; partition < partitions; partition++) {
    const [oldest] = await rig.log.readToEnd(rig.topic('detector-state'), partition)
    if (oldest && oldest.offset > 10n) return true
  }
  return false
}
