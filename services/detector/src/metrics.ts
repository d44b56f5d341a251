/** What the detector tells Prometheus of itself. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { BatchObservation } from './detect.ts'

/** Takes in what each batch was. */
export function createDetectorMetrics(registry: Registry): (observation: BatchObservation) => void {
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
  return (observation) => {
    samples.inc(observation.samples)
    dropped.inc({ reason: 'not_newer' }, observation.notNewer)
    dropped.inc({ reason: 'series_limit' }, observation.overLimit)
    episodes.inc({ transition: 'opened' }, observation.opened)
    episodes.inc({ transition: 'resolved' }, observation.resolved)
    newest.set(observation.newestMs / 1000)
  }
}
