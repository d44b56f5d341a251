/**
 * The identity of a series and of the entity it belongs to. The only place that makes these keys.
 *
 * A key is the first 16 bytes of the SHA-256 of the sorted, length-prefixed label set: length prefixes, so that no choice of
 * label texts can make two sets look alike; SHA-256 rather than a faster hash, because a series is hashed once and label
 * values come from strangers.
 */
import { createHash } from 'node:crypto'
import type { Label } from './records.ts'

/** Name of the synthetic series that show whether the pipeline still finds things; nobody is told of its faults. */
export const canaryMetric = 'lapwing_canary_value'

/** Sorted by name in code-unit order, names unique. Prometheus' metric name is the label `__name__`. */
export type LabelSet = readonly Label[]

/** The labels in order. Of two labels with one name the last wins, as in Prometheus' own clients. */
export function sortedLabels(pairs: Iterable<readonly [string, string]>): LabelSet {
  const byName = new Map(pairs)
  return [...byName].map(([name, value]) => ({ name, value })).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

/** 16 bytes. */
export function seriesKey(labels: LabelSet): Buffer {
  return hashLabels(labels)
}

/** 16 bytes: the key of the labels named in `entityBy` that are present, or of the whole set when none is. */
export function entityKey(labels: LabelSet, entityBy: readonly string[]): Buffer {
  const chosen = labels.filter((label) => entityBy.includes(label.name))
  return hashLabels(chosen.length > 0 ? chosen : labels)
}

/** The partition of an entity; all its series share it, so that models over several of them are local. */
export function partitionOf(entity: Uint8Array, partitions: number): number {
  return partitionOfHead(entityHead(entity), partitions)
}

/** The first four bytes of an entity, which decide its partition, as a signed number: that is one the engine keeps in its place. */
export function entityHead(entity: Uint8Array): number {
  return (entity[0]! << 24) | (entity[1]! << 16) | (entity[2]! << 8) | entity[3]!
}

export function partitionOfHead(head: number, partitions: number): number {
  return (head >>> 0) % partitions
}

/** `name{label="value",…}` as Prometheus writes it; a series without a name is `{…}`. */
export function seriesText(labels: LabelSet): string {
  const name = labels.find((label) => label.name === '__name__')?.value ?? ''
  const rest = labels.filter((label) => label.name !== '__name__')
  if (rest.length === 0 && name) return name
  return `${name}{${rest.map((label) => `${label.name}=${JSON.stringify(label.value)}`).join(',')}}`
}

function hashLabels(labels: LabelSet): Buffer {
  const hash = createHash('sha256')
  for (const { name, value } of labels) hash.update(lengthPrefixed(name)).update(lengthPrefixed(value))
  return hash.digest().subarray(0, 16)
}

function lengthPrefixed(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const bytes = Buffer.allocUnsafe(4 + length)
  bytes.writeUInt32BE(length, 0)
  bytes.write(text, 4)
  return bytes
}
