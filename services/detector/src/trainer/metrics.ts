/** What the trainer tells Prometheus of itself: requests, versions, trainings, and the entities that it scores. */
import type { TensorFlowBackend } from '@lapwing/deep/tensorflow'
import type { LifeState } from '@lapwing/models/life'
import { entityScope, type PlannedRun } from '@lapwing/models/registry'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { EntityObservation } from '../entities/entity-step.ts'
import type { RegistryEvent } from './registry-partition.ts'
import { forgetReasons } from './registry-tidying.ts'

const states: readonly LifeState[] = ['requested', 'trained', 'validated', 'shadow', 'promoted', 'rejected', 'rolled_back']

export function createRegistryMetrics(registry: Registry): (event: RegistryEvent) => void {
  const registers = [registry]
  const decisions = new Counter({
    name: 'lapwing_trainer_control_records_total',
    help: 'Control records decided on, by outcome.',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of ['admitted', 'declined', 'promoted', 'rolled_back', 'rejected']) decisions.inc({ outcome }, 0)
  const moves = new Counter({
    name: 'lapwing_trainer_models_total',
    help: 'Versions of models, by the state they came into.',
    labelNames: ['state'],
    registers,
  })
  for (const state of states) moves.inc({ state }, 0)
  const failures = new Counter({ name: 'lapwing_trainer_failures_total', help: 'Trainings whose process died.', registers })
  const forgotten = new Counter({
    name: 'lapwing_trainer_models_forgotten_total',
    help: 'Versions of models that were removed, by reason: old, or of an entity that is gone.',
    labelNames: ['reason'],
    registers,
  })
  for (const reason of forgetReasons) forgotten.inc({ reason }, 0)
  const progress = new Gauge({
    name: 'lapwing_trainer_progress_ratio',
    help: 'How far the training in hand is, 0 to 1; 0 when there is none.',
    registers,
  })
  const peak = new Gauge({ name: 'lapwing_trainer_peak_bytes', help: 'Most memory that the last training took.', registers })
  const nextRun = createNextRunMetric(registry)
  return (event) => {
    if (event.kind === 'planned') nextRun(event.partition, event.runs)
    else if (event.kind === 'decided') decisions.inc({ outcome: event.outcome })
    else if (event.kind === 'progress') progress.set(event.share)
    else if (event.kind === 'failed') failures.inc()
    else if (event.kind === 'forgotten') forgotten.inc({ reason: event.reason })
    else if (event.kind === 'moved') {
      moves.inc({ state: event.model.state })
      progress.set(0)
      const peakBytes = event.model.metrics.find(({ name }) => name === 'training_peak_bytes')
      if (peakBytes) peak.set(peakBytes.value)
    }
  }
}

/** Of the entities whose models this trainer owns. */
function createNextRunMetric(registry: Registry): (partition: number, runs: readonly PlannedRun[]) => void {
  const owned = new Map<number, readonly PlannedRun[]>()
  new Gauge({
    name: 'lapwing_trainer_next_run_timestamp_seconds',
    help: 'When the schedule retrains an entity next, in seconds since the epoch, by the key of the entity.',
    labelNames: ['entity'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { scope, atMs } of [...owned.values()].flat()) this.set({ entity: scope.slice(entityScope.length) }, atMs / 1000)
    },
  })
  return (partition, runs) => owned.set(partition, runs)
}

/** Call once it is known what networks are trained on; `none` when no network is trained. */
export function createBackendMetric(registry: Registry): (backend: TensorFlowBackend | 'none') => void {
  const info = new Gauge({
    name: 'lapwing_tensorflow_backend_info',
    help: 'What networks are trained on, as a label; 1. Absent until it is known.',
    labelNames: ['backend'],
    registers: [registry],
  })
  return (backend) => info.set({ backend }, 1)
}

export function createEntityMetrics(registry: Registry): (observation: EntityObservation) => void {
  const registers = [registry]
  const rows = new Counter({
    name: 'lapwing_entity_rows_total',
    help: 'Rows of entities scored, by the role of the model.',
    labelNames: ['role'],
    registers,
  })
  for (const role of ['in_force', 'shadow']) rows.inc({ role }, 0)
  const opened = new Counter({ name: 'lapwing_entity_episodes_total', help: 'Episodes of entities opened.', registers })
  const refused = new Counter({
    name: 'lapwing_entity_models_refused_total',
    help: 'Versions whose weights were not used, by reason.',
    labelNames: ['reason'],
    registers,
  })
  for (const reason of ['absent', 'changed', 'malformed']) refused.inc({ reason }, 0)
  return (observation) => {
    if (observation.kind === 'refused') refused.inc({ reason: observation.reason })
    else {
      rows.inc({ role: observation.role }, observation.rows)
      opened.inc(observation.opened)
    }
  }
}
