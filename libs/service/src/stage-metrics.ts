/** What a stage on the log tells Prometheus of itself; every service with a stage has the same metrics. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** The observer that a stage takes; typed by shape, because this library does not know stages. */
export interface StageMetrics {
  batch(done: {
    readonly topic: string
    readonly partition: number
    readonly records: number
    readonly durationMs: number
    readonly lagRecords: number
  }): void
  deadLetter(topic: string, reason: string): void
  assigned(partitions: ReadonlyMap<string, readonly number[]>): void
}

export function createStageMetrics(registry: Registry): StageMetrics {
  const registers = [registry]
  const records = new Counter({
    name: 'lapwing_stage_records_total',
    help: 'Records processed, by topic.',
    labelNames: ['topic'],
    registers,
  })
  const duration = new Histogram({
    name: 'lapwing_stage_batch_duration_seconds',
    help: 'Time from receiving a batch to its outputs being acknowledged.',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  })
  const lag = new Gauge({
    name: 'lapwing_stage_lag_records',
    help: 'Records of each owned partition that were still to come when it was read last.',
    labelNames: ['topic', 'partition'],
    registers,
  })
  const lastBatch = new Gauge({
    name: 'lapwing_stage_last_batch_timestamp_seconds',
    help: 'Time at which the last batch was done, by topic.',
    labelNames: ['topic'],
    registers,
  })
  const deadLetters = new Counter({
    name: 'lapwing_stage_dead_letters_total',
    help: 'Records that could not be decoded, by reason.',
    labelNames: ['topic', 'reason'],
    registers,
  })
  const partitions = new Gauge({ name: 'lapwing_stage_partitions', help: 'Partitions owned.', labelNames: ['topic'], registers })
  /** Whose lag may be told: that of a partition which has gone elsewhere is told there. */
  const lagTold = new Map<string, readonly number[]>()
  return {
    batch: ({ topic, partition, records: count, durationMs, lagRecords }) => {
      records.inc({ topic }, count)
      duration.observe(durationMs / 1000)
      lag.set({ topic, partition }, lagRecords)
      lastBatch.set({ topic }, Date.now() / 1000)
    },
    deadLetter: (topic, reason) => deadLetters.inc({ topic, reason }),
    assigned: (owned) => {
      for (const [topic, numbers] of owned) {
        partitions.set({ topic }, numbers.length)
        for (const partition of lagTold.get(topic) ?? []) if (!numbers.includes(partition)) lag.remove({ topic, partition })
        lagTold.set(topic, numbers)
      }
    },
  }
}
