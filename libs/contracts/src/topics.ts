/**
 * The topic catalogue: what is on the log, who writes it, how long it is kept, and which record it holds.
 *
 * Source: the table in docs/ARCHITECTURE.md, "The log".
 */
import type { RecordName } from './schemas.ts'

export type Cleanup = 'delete' | 'compact' | 'compact,delete'

export interface TopicDefinition {
  readonly records: readonly RecordName[]
  readonly cleanup: Cleanup
  /** How long records are kept; absent where compaction alone decides. */
  readonly retentionMs?: number
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

export const topics = {
  samples: { records: ['SampleBatch'], cleanup: 'delete', retentionMs: 48 * hourMs },
  scores: { records: ['ScoreBatch'], cleanup: 'delete', retentionMs: 48 * hourMs },
  anomalies: { records: ['Anomaly'], cleanup: 'delete', retentionMs: 35 * dayMs },
  control: { records: ['Control'], cleanup: 'compact,delete', retentionMs: 35 * dayMs },
  models: { records: ['Model'], cleanup: 'compact' },
  alerts: { records: ['Alert'], cleanup: 'delete', retentionMs: 35 * dayMs },
  'ingest-state': { records: ['StateSnapshot', 'StateMarker'], cleanup: 'compact' },
  'replica-claims': { records: ['ReplicaClaim'], cleanup: 'compact' },
  'detector-state': { records: ['StateSnapshot', 'StateMarker'], cleanup: 'compact' },
  'entity-state': { records: ['StateSnapshot', 'StateMarker'], cleanup: 'compact' },
  'drift-state': { records: ['StateSnapshot', 'StateMarker'], cleanup: 'compact' },
  'alert-state': { records: ['StateSnapshot', 'StateMarker'], cleanup: 'compact' },
  notifications: { records: ['Notification'], cleanup: 'delete', retentionMs: 35 * dayMs },
  feedback: { records: ['Feedback'], cleanup: 'compact' },
  // Longer than a mute may last, so that who muted what can be looked up until after its end.
  mutes: { records: ['Mute'], cleanup: 'compact,delete', retentionMs: 400 * dayMs },
  settings: { records: ['ServiceSettings'], cleanup: 'compact,delete', retentionMs: 2 * dayMs },
  'pod-events': { records: ['PodEvent'], cleanup: 'delete', retentionMs: 48 * hourMs },
  'dead-letters': { records: ['DeadLetter'], cleanup: 'delete', retentionMs: 14 * dayMs },
} as const satisfies Record<string, TopicDefinition>

export type TopicName = keyof typeof topics

/** The name on the broker: `<prefix>.<name>.v1`. */
export function topicName(prefix: string, name: TopicName): string {
  return `${prefix}.${name}.v1`
}

/** What a log needs to create one of them. */
export interface TopicSpec {
  readonly topic: string
  readonly partitions: number
  readonly cleanup: Cleanup
  readonly retentionMs: number | undefined
}

/** All topics of a deployment. Every one has the same partition count, so that inputs, state and outputs are aligned. */
export function topicSpecs(prefix: string, partitions: number): TopicSpec[] {
  return (Object.keys(topics) as TopicName[]).map((name) => {
    const definition: TopicDefinition = topics[name]
    return { topic: topicName(prefix, name), partitions, cleanup: definition.cleanup, retentionMs: definition.retentionMs }
  })
}
