/**
 * The catalogue of Avro schemas: every layout that was ever written, with its static id.
 *
 * An id is for ever: bytes on a topic name it, and a layout that is no longer written must still be read. A new layout of a
 * record gets a new file, a new id, and a place at the end of its row; the last of a row is the one that is written, unless it is `onlyFor` something.
 */
import { readFileSync } from 'node:fs'
import type { Schema } from 'avsc'

export interface SchemaVersion {
  readonly id: number
  /** File below `schemas/`. */
  readonly file: string
  /**
   * The field that is new in it and nearly always empty. While it is empty the layout before is written, which readers of the release before know too:
   * during a rolling update they would lay what they do not know aside.
   */
  readonly onlyFor?: string
}

/** How a record's layouts may differ from one version to the next (names as in the Confluent registry). */
export type Compatibility = 'BACKWARD_TRANSITIVE' | 'FULL_TRANSITIVE'

export const recordSchemas = {
  SampleBatch: { compatibility: 'BACKWARD_TRANSITIVE', versions: [{ id: 101, file: 'sample-batch.v1.avsc' }] },
  ScoreBatch: { compatibility: 'BACKWARD_TRANSITIVE', versions: [{ id: 201, file: 'score-batch.v1.avsc' }] },
  Anomaly: {
    compatibility: 'FULL_TRANSITIVE',
    versions: [
      { id: 301, file: 'anomaly.v1.avsc' },
      { id: 302, file: 'anomaly.v2.avsc' },
      { id: 303, file: 'anomaly.v3.avsc', onlyFor: 'endReason' },
    ],
  },
  Control: { compatibility: 'BACKWARD_TRANSITIVE', versions: [{ id: 401, file: 'control.v1.avsc' }] },
  Model: {
    compatibility: 'BACKWARD_TRANSITIVE',
    versions: [
      { id: 501, file: 'model.v1.avsc' },
      { id: 502, file: 'model.v2.avsc' },
    ],
  },
  Alert: { compatibility: 'BACKWARD_TRANSITIVE', versions: [{ id: 601, file: 'alert.v1.avsc' }] },
  StateSnapshot: { compatibility: 'BACKWARD_TRANSITIVE', versions: [{ id: 701, file: 'state-snapshot.v1.avsc' }] },
  StateMarker: {
    compatibility: 'BACKWARD_TRANSITIVE',
    versions: [
      { id: 801, file: 'state-marker.v1.avsc' },
      { id: 802, file: 'state-marker.v2.avsc' },
    ],
  },
  Notification: { compatibility: 'BACKWARD_TRANSITIVE', versions: [{ id: 901, file: 'notification.v1.avsc' }] },
  Feedback: {
    compatibility: 'BACKWARD_TRANSITIVE',
    versions: [
      { id: 1001, file: 'feedback.v1.avsc' },
      { id: 1002, file: 'feedback.v2.avsc' },
    ],
  },
  DeadLetter: { compatibility: 'BACKWARD_TRANSITIVE', versions: [{ id: 1101, file: 'dead-letter.v1.avsc' }] },
  ReplicaClaim: { compatibility: 'BACKWARD_TRANSITIVE', versions: [{ id: 1201, file: 'replica-claim.v1.avsc' }] },
  Mute: { compatibility: 'BACKWARD_TRANSITIVE', versions: [{ id: 1301, file: 'mute.v1.avsc' }] },
  ServiceSettings: {
    compatibility: 'BACKWARD_TRANSITIVE',
    versions: [
      { id: 1401, file: 'service-settings.v1.avsc' },
      { id: 1402, file: 'service-settings.v2.avsc', onlyFor: 'troubles' },
    ],
  },
  PodEvent: { compatibility: 'BACKWARD_TRANSITIVE', versions: [{ id: 1501, file: 'pod-event.v1.avsc' }] },
} as const satisfies Record<string, { compatibility: Compatibility; versions: readonly SchemaVersion[] }>

export type RecordName = keyof typeof recordSchemas

export function readSchema(file: string): Schema {
  return JSON.parse(readFileSync(new URL(`../schemas/${file}`, import.meta.url), 'utf8')) as Schema
}

/** The layout that a record is written in: the newest that says something which the one before does not. */
export function layoutFor(name: RecordName, record: object): SchemaVersion {
  const versions: readonly SchemaVersion[] = recordSchemas[name].versions
  const says = (field: string) => {
    const value = (record as Readonly<Record<string, unknown>>)[field]
    return Array.isArray(value) ? value.length > 0 : Boolean(value)
  }
  return versions.findLast(({ onlyFor }) => onlyFor === undefined || says(onlyFor))!
}

/** The newest layout, which has all that a record can say. */
export function currentVersion(name: RecordName): SchemaVersion {
  return recordSchemas[name].versions.at(-1) as SchemaVersion
}
