/** What the detector tells Prometheus of itself. */
import type { StageObserver } from '@lapwing/stream/stage'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { BatchObservation } from './detect.ts'

export interface DetectorMetrics {
  batch(observation: BatchObservation): void
  readonly stage: StageObserver
}

export function createDetectorMetrics(registry: Registry): DetectorMetrics {
  const registers = [registry]
  const samples = new Counter({ name: 'lapwing_detector_samples_total', help: 'Samples read.', registers })
  const dropped = new Counter({
    name: 'lapwing_detector_samples_dropped_total',
    help: 'Samples not scored, by reason.',
    labelNames: ['reason'],
    registers,
  })
  for (const reason of ['not_newer', 'series_limit']) dropped.inc({ reason }, 0)
  const episodes = new Counter({
    name: 'lapwing_detector_episodes_total',
    help: 'Episodes opened and resolved.',
    labelNames: ['transition'],
    registers,
  })
  for (const transition of ['opened', 'resolved']) episodes.inc({ transition }, 0)
  const newest = new Gauge({
    name: 'lapwing_detector_newest_sample_timestamp_seconds',
    help: 'Time of the newest sample that was scored.',
    registers,
  })
  return {
    batch: (observation) => {
      samples.inc(observation.samples)
      dropped.inc({ reason: 'not_newer' }, observation.notNewer)
      dropped.inc({ reason: 'series_limit' }, observation.overLimit)
      episodes.inc({ transition: 'opened' }, observation.opened)
      episodes.inc({ transition: 'resolved' }, observation.resolved)
      newest.set(observation.newestMs / 1000)
    },
    stage: stageMetrics(registry),
  }
}

function stageMetrics(registry: Registry): StageObserver {
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
    help: 'Records still to come in the partition read last.',
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
  return {
    batch: (topic, count, durationMs, lagRecords) => {
      records.inc({ topic }, count)
      duration.observe(durationMs / 1000)
      lag.set({ topic }, lagRecords)
    },
    deadLetter: (topic, reason) => deadLetters.inc({ topic, reason }),
    assigned: (owned) => {
      for (const [topic, numbers] of owned) partitions.set({ topic }, numbers.length)
    },
  }
}
