/** A shop of six metrics on one instance that follow one load, a row a minute of its own time, written to the samples topic. */
import { decode } from '@lapwing/contracts/codec'
import { float32Column } from '@lapwing/contracts/columns'
import type { Control } from '@lapwing/contracts/records'
import { entityKey, sortedLabels } from '@lapwing/contracts/series'
import { seriesIdentity } from '@lapwing/contracts/series-table'
import { topicName } from '@lapwing/contracts/topics'
import { createRandom } from '@lapwing/detection/random'
import { ModelRegistry } from '@lapwing/models/registry'
import { sampleRecords } from '@lapwing/prometheus/sample-batches'
import type { Log } from '@lapwing/stream/log'

const metrics = ['requests', 'cpu', 'memory', 'latency', 'errors', 'queue']
const stepMs = 60_000
const startMs = Date.UTC(2026, 0, 5)
const rowsPerBatch = 10

export interface Weather {
  /** Added to the first four metrics, in the unit of their noise. */
  readonly level: number
  /** Added to the last two for each row. */
  readonly climb: number
}

export interface ShopOptions {
  /** Of the topics. */
  readonly prefix: string
  readonly instance: string
  readonly partitions: number
}

interface EntityScore {
  readonly atMs: number
  readonly model: string
  readonly score: number
}

export class Shop {
  rows = 0
  /** Of the entity under the models in force, by time; and where on the topic they end. */
  readonly #scores = new Map<number, EntityScore>()
  #scoresNext = 0n
  readonly #log: Log
  readonly #prefix: string
  readonly #partitions: number
  readonly instance: string
  readonly #random = createRandom(11)
  #climbed = 0

  constructor(log: Log, { prefix, instance, partitions }: ShopOptions) {
    this.#log = log
    this.#prefix = prefix
    this.instance = instance
    this.#partitions = partitions
  }

  get entity(): string {
    return entityKey(sortedLabels([['instance', this.instance]]), ['instance']).toString('hex')
  }

  async send(count: number, weather: Weather): Promise<void> {
    const producer = await this.#log.producer()
    for (let sent = 0; sent < count; sent += rowsPerBatch) {
      await producer.send(this.#batch(Math.min(rowsPerBatch, count - sent), weather))
    }
    await producer.close()
  }

  async registry(): Promise<ModelRegistry> {
    const registry = new ModelRegistry()
    for (const record of await this.#log.readToEnd(topicName(this.#prefix, 'models'))) registry.take(record)
    return registry
  }

  /** Different requests for retraining that drift made. */
  async driftRequests(): Promise<Control[]> {
    const records = await this.#log.readToEnd(topicName(this.#prefix, 'control'))
    const controls = records.map(({ value }) => decode('Control', value!)).filter(({ requestedBy }) => requestedBy === 'drift')
    return [...new Map(controls.map((control) => [control.id, control])).values()]
  }

  /** Of the entity under the models in force, in order, each row once. */
  async scores(): Promise<EntityScore[]> {
    const topic = topicName(this.#prefix, 'scores')
    const { next } = (await this.#log.offsets(topic))[0]!
    for await (const records of this.#log.readRange(topic, 0, this.#scoresNext, next)) {
      for (const { value } of records) this.#takeScores(value!)
    }
    this.#scoresNext = next
    return [...this.#scores.values()].sort((a, b) => a.atMs - b.atMs)
  }

  /** Whether the entity is scored up to its newest rows; a row is whole once the second after it has begun. */
  async isScored(): Promise<boolean> {
    const newest = (await this.scores()).at(-1)
    return newest !== undefined && newest.atMs >= this.newestMs - 2 * stepMs
  }

  #takeScores(value: Uint8Array): void {
    const { source, model, scores, timestampsMs } = decode('ScoreBatch', value)
    if (source !== 'lapwing_entity_score') return
    float32Column(scores).forEach((score, i) => {
      const atMs = timestampsMs.readDoubleLE(8 * i)
      this.#scores.set(atMs, { atMs, model, score })
    })
  }

  get newestMs(): number {
    return startMs + (this.rows - 1) * stepMs
  }

  /** How many rows came before that time. */
  rowAt(atMs: number): number {
    return Math.round((atMs - startMs) / stepMs)
  }

  #batch(count: number, weather: Weather) {
    const timestampsMs = Array.from({ length: count }, (_, i) => startMs + (this.rows + i) * stepMs)
    const values = Array.from({ length: count }, () => this.#row(weather))
    const samples = metrics.map((metric, channel) => {
      const labels = sortedLabels([
        ['__name__', metric],
        ['instance', this.instance],
      ])
      const column = values.map((row) => row[channel]!)
      return { series: seriesIdentity(labels, ['instance']), timestampsMs, values: column, flags: column.map(() => 0) }
    })
    const records = sampleRecords(samples, { source: 'test', kind: 'live', stepMs }, this.#partitions)
    return records.map(({ partition, value }) => ({ topic: topicName(this.#prefix, 'samples'), partition, key: null, value }))
  }

  #row({ level, climb }: Weather): number[] {
    const load = 10 * Math.sin(this.rows / 40) + 2 * this.#gauss()
    this.#climbed += climb
    this.rows++
    return metrics.map((_, channel) => {
      const moved = channel < 4 ? 2 * level : 2 * this.#climbed
      return 200 + load * (channel + 1) + 2 * this.#gauss() + moved
    })
  }

  #gauss(): number {
    let sum = 0
    for (let i = 0; i < 6; i++) sum += this.#random() - 0.5
    return sum * Math.SQRT2
  }
}
