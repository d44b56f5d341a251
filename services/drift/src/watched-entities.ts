/** What is kept of the entities whose series are watched, and how it stands on the state topic. */
import { bytesOf, float64Column } from '@lapwing/contracts/columns'
import { keyBytes } from '@lapwing/contracts/series-table'
import type { KeyState } from '@lapwing/stream/partition-state'
import { EntityDrift, type EntityDriftOptions } from './entity-drift.ts'

export interface EntityWatch {
  readonly drift: EntityDrift
  /** Scored since the last request; counted only where that matters. */
  samples: number
}

/** By their keys of 32 hexadecimal digits. */
export class WatchedEntities {
  readonly #options: EntityDriftOptions
  readonly #entities = new Map<string, EntityWatch>()
  readonly #changed = new Set<string>()
  #forgotten: string[] = []
  /** Entity by the key of the series that its scores make. */
  readonly #ofScores = new Map<string, string>()

  constructor(options: EntityDriftOptions) {
    this.#options = options
  }

  /** To be changed: its state is put down with the next checkpoint. */
  touch(entityKey: string): EntityWatch {
    this.#changed.add(entityKey)
    return this.#find(entityKey)
  }

  /** Of the entity whose scores are this series; undefined when there is none. */
  touchOfScores(seriesKey: string): EntityWatch | undefined {
    const entityKey = this.#ofScores.get(seriesKey)
    return entityKey === undefined ? undefined : this.touch(entityKey)
  }

  /** From the first score of an entity on. */
  knowScores(entityKey: string): void {
    const { scoresKey } = this.#find(entityKey).drift
    if (scoresKey) this.#ofScores.set(scoresKey, entityKey)
  }

  /** A tombstone does not name the series: how many entities had a verdict on this anomaly. */
  takeBack(anomalyId: string): number {
    const had = [...this.#ofScores.values()].filter((entityKey) => this.#find(entityKey).drift.takeBack(anomalyId))
    for (const entityKey of had) this.#changed.add(entityKey)
    return had.length
  }

  /**
   * Those of which no series is left, unless they hold back requests; the others learn how many they have.
   *
   * @param counts series of each entity
   */
  forgetGone(counts: ReadonlyMap<string, number>, nowMs: number): void {
    for (const [entityKey, { drift }] of this.#entities) {
      const series = counts.get(entityKey) ?? 0
      if (series === 0 && !drift.isHeldBack(nowMs, this.#options)) this.#forget(entityKey, drift)
      else if (drift.series !== series) this.touch(entityKey).drift.series = series
    }
  }

  *takeChanged(): Generator<KeyState> {
    for (const entityKey of this.#changed) {
      const { drift, samples } = this.#entities.get(entityKey)!
      const snapshot = Buffer.concat([bytesOf(Float64Array.of(samples)), drift.snapshot()])
      yield { key: stateKeyOf(entityKey), snapshot }
    }
    this.#changed.clear()
  }

  takeForgotten(): readonly Uint8Array[] {
    const forgotten = this.#forgotten.map(stateKeyOf)
    this.#forgotten = []
    return forgotten
  }

  /** False when the key is not that of an entity. Throws a RangeError when the bytes are no such state. */
  restore(key: Uint8Array, snapshot: Uint8Array): boolean {
    if (key.length !== keyBytes + 1 || key[keyBytes] !== entityTag) return false
    if (snapshot.length < 8) throw new RangeError(`an entity's state of ${snapshot.length} bytes`)
    const entityKey = Buffer.from(key.subarray(0, keyBytes)).toString('hex')
    const watch = this.#find(entityKey)
    watch.samples = float64Column(snapshot.subarray(0, 8))[0]!
    watch.drift.restore(snapshot.subarray(8))
    this.knowScores(entityKey)
    return true
  }

  #forget(entityKey: string, { scoresKey }: EntityDrift): void {
    this.#entities.delete(entityKey)
    this.#changed.delete(entityKey)
    this.#forgotten.push(entityKey)
    if (scoresKey) this.#ofScores.delete(scoresKey)
  }

  #find(entityKey: string): EntityWatch {
    const known = this.#entities.get(entityKey)
    if (known) return known
    const made = { drift: new EntityDrift(this.#options), samples: 0 }
    this.#entities.set(entityKey, made)
    return made
  }
}

/** Last byte of the key of an entity on the state topic. */
const entityTag = 1

function stateKeyOf(entityKey: string): Uint8Array {
  return Uint8Array.of(...Buffer.from(entityKey, 'hex'), entityTag)
}
