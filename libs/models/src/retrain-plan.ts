/**
 * When the entities of a registry are to be retrained without anybody asking. Pure: clock and calendar are inputs.
 *
 * Nothing is remembered that does not stand in the registry: a run counts from the newest version of its entity, and its request is named by its time, so a trainer that
 * starts anew asks for the same or for nothing. What was missed while no trainer ran is made up for within `lateMs`; later than that it waits for the next time, because
 * a deployment that was off for a week must not begin with a training of everything.
 */
import { createHash } from 'node:crypto'
import type { Control } from '@lapwing/contracts/records'
import { modelIdOf } from './control-decision.ts'
import type { ModelRegistry, PlannedRun } from './registry.ts'

export interface RetrainSchedule {
  /** The first run of an entity after that time; undefined when there is none. Times are milliseconds since the epoch. */
  nextRunMs(scope: string, afterMs: number): number | undefined
  /** For the reason of the request. */
  readonly text: string
}

export interface PlanInput {
  readonly registry: ModelRegistry
  readonly schedule: RetrainSchedule
  /** Of the models that are trained. */
  readonly kind: string
  readonly nowMs: number
  /** The last run of each entity that was asked for, as far as it is known. */
  readonly asked: ReadonlyMap<string, number>
}

const lateMs = 3_600_000

/** The next run of each entity with a model in force, in the order of their scopes; those that are due are not after `nowMs`. */
export function planRuns({ registry, schedule, kind, nowMs, asked }: PlanInput): PlannedRun[] {
  return registry.scopes().flatMap((scope): PlannedRun[] => {
    const newest = registry.ofScope(scope).at(-1)
    if (!newest || !registry.inForce(scope)) return []
    let afterMs = Math.max(newest.createdAtMs, asked.get(scope) ?? 0, nowMs - lateMs)
    for (;;) {
      const atMs = schedule.nextRunMs(scope, afterMs)
      if (atMs === undefined) return []
      if (!registry.find(modelIdOf(kind, requestIdOf(scope, atMs)))) return [{ scope, atMs, reason: reasonOf(schedule) }]
      afterMs = atMs
    }
  })
}

export function scheduledRequest({ scope, atMs }: Pick<PlannedRun, 'scope' | 'atMs'>, schedule: RetrainSchedule): Control {
  return {
    id: requestIdOf(scope, atMs),
    kind: 'retrain',
    scope,
    reason: reasonOf(schedule),
    detector: 'schedule',
    statistic: 0,
    threshold: 0,
    seriesKey: '',
    labels: [],
    requestedBy: 'schedule',
    requestedAtMs: atMs,
  }
}

function reasonOf({ text }: RetrainSchedule): string {
  return `the schedule, ${text}`
}

function requestIdOf(scope: string, atMs: number): string {
  return createHash('sha256').update(`${scope}/schedule/${atMs}`).digest('hex').slice(0, 32)
}
