/** What the detector tells Prometheus of itself. */

import type { Feedback } from '@lapwing/contracts/records'
import { Counter, Gauge, type Registry } from 'prom-client'
import { startCounts } from './cohorts.ts'
import type { BatchObservation } from './detect.ts'
import type { VerdictOutcome } from './verdicts.ts'

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
    help: 'Episodes opened, opened under a verdict that holds them down, and resolved.',
    labelNames: ['transition'],
    registers,
  })
  for (const transition of ['opened', 'suppressed', 'resolved']) episodes.inc({ transition }, 0)
  const forgotten = new Counter({
    name: 'lapwing_detector_series_forgotten_total',
    help: 'Series that are remembered no longer, because nothing came of them for too long.',
    registers,
  })
  const starts = new Counter({
    name: 'lapwing_detector_cohort_starts_total',
    help: 'New series of a known cohort, by what became of their start from its prior.',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of startCounts) starts.inc({ outcome }, 0)
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
    episodes.inc({ transition: 'suppressed' }, observation.suppressed)
    episodes.inc({ transition: 'resolved' }, observation.resolved)
    forgotten.inc(observation.forgotten)
    for (const outcome of startCounts) starts.inc({ outcome }, observation.cohortStarts[outcome])
    newest.set(observation.newestMs / 1000)
  }
}

/** Takes in what became of each verdict. */
export function createVerdictMetrics(registry: Registry): (outcome: VerdictOutcome) => void {
  const verdicts = new Counter({
    name: 'lapwing_detector_verdicts_total',
    help: 'Verdicts of people taken in, by what became of them.',
    labelNames: ['verdict', 'outcome'],
    registers: [registry],
  })
  for (const verdict of told) verdicts.inc({ verdict, outcome: 'applied' }, 0)
  return ({ verdict, outcome }) => verdicts.inc({ verdict, outcome })
}

const told: readonly Feedback['verdict'][] = ['confirmed', 'false_alarm', 'expected', 'known', 'new_normal', 'undone']
