/**
 * What a replay does with a dead letter: send the original key and value to where they came from, or refuse and say why.
 *
 * A letter is hostile input, and a replay writes with the operator's rights. So only the topics of this deployment that keep
 * records by age are written to. Not the compacted ones: they keep the newest record of a key, and an old one sent again would
 * undo it; service state is among them. Not the dead letters themselves.
 *
 * The same bytes for the same partition are sent once, however many letters hold them: what was replayed in vain has become one
 * more letter, and sending all of them would double their number each time.
 *
 * Blind spots. Headers are not in a letter and do not come back. A letter does not say whether its bytes were cut, so one that
 * holds as much as a letter can is refused even when it was whole. An alert that a receiver refused is replayed as the record
 * of that alert; an alerter that still knows it takes it for a repetition.
 */
import { createHash } from 'node:crypto'
import type { DeadLetter } from '@lapwing/contracts/records'
import { type TopicDefinition, type TopicName, topicName, topics } from '@lapwing/contracts/topics'
import type { OutgoingRecord } from '@lapwing/stream/log'

export type ReplayDecision =
  | { readonly kind: 'send'; readonly record: OutgoingRecord }
  /** An earlier letter of this replay held the same. */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'refused'; readonly why: string }

/**
 * Decides about letter after letter of one replay.
 *
 * @param partitionCounts of the topics that may be written to and are there
 */
export function createReplayPlan(partitionCounts: ReadonlyMap<string, number>): (letter: DeadLetter) => ReplayDecision {
  const planned = new Set<string>()
  return (letter) => {
    const why = refusal(letter, partitionCounts)
    if (why !== undefined) return { kind: 'refused', why }
    const { topic, partition, key, value } = letter
    const identity = contentHash(letter)
    if (planned.has(identity)) return { kind: 'repeated' }
    planned.add(identity)
    return { kind: 'send', record: { topic, partition, key, value } }
  }
}

/** The topics that a replay may write to, whether they are there or not. */
export function replayableTopics(prefix: string): string[] {
  return (Object.entries(topics) as [TopicName, TopicDefinition][])
    .filter(([name, { cleanup }]) => cleanup === 'delete' && name !== 'dead-letters')
    .map(([name]) => topicName(prefix, name))
}

/** How much of a key and of a value a stage puts into a letter (`libs/stream/src/stage.ts`). */
const keptBytes = 3 * 1024 * 1024

function refusal({ topic, partition, key, value }: DeadLetter, partitionCounts: ReadonlyMap<string, number>): string | undefined {
  if (topic === '') return 'the letter does not say where it came from'
  const partitions = partitionCounts.get(topic)
  if (partitions === undefined) return `${topic} is absent or not a topic that records may be replayed to`
  if (partition < 0 || partition >= partitions) return `${topic} has ${partitions} partitions, none is number ${partition}`
  for (const [part, bytes] of [
    ['key', key],
    ['value', value],
  ] as const) {
    if (bytes && bytes.length >= keptBytes) return `its ${part} is as long as a letter can hold, so the rest of it may be missing`
  }
  return undefined
}

function contentHash({ topic, partition, key, value }: DeadLetter): string {
  const hash = createHash('sha256').update(JSON.stringify([topic, partition, key?.length ?? null, value?.length ?? null]))
  for (const bytes of [key, value]) if (bytes) hash.update(bytes)
  return hash.digest('base64')
}
