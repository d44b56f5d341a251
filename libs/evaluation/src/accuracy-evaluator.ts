/**
 * How good the episodes of a time were, in all and by series, model and route: by what people wrote down beforehand (labels, or faults that were put
 * in), and by what they said afterwards (verdicts).
 *
 * The two are kept apart, because they say different things: labels know what was missed, verdicts do not; verdicts know what people
 * thought of what they got. Where nobody said anything, the number is null and not a guess.
 */
import type { Verdict } from '@lapwing/contracts/records'
import { countEvents, type EventCounts, eventAccuracy, groupBy, quantile, type TrueEvent } from './event-accuracy.ts'
import type { Accuracy } from './point-accuracy.ts'

export interface EvaluatedEpisode {
  readonly id: string
  /** Text of the series. */
  readonly series: string
  /** Name and configuration hash. */
  readonly model: string
  /** That had it as an alert. */
  readonly routes: readonly string[]
  /** When it was told: the time of the sample that opened it. */
  readonly openedAtMs: number
}

export interface EvaluationInput {
  readonly fromMs: number
  readonly toMs: number
  /** That opened in this time. */
  readonly episodes: readonly EvaluatedEpisode[]
  /** The newest on each episode. */
  readonly verdicts: ReadonlyMap<string, Verdict>
  /** undefined: nobody wrote anything down. */
  readonly truth: { readonly events: readonly TrueEvent[]; readonly toleranceMs: number } | undefined
}

export interface LabelAccuracy extends Accuracy {
  readonly counts: EventCounts
  readonly medianDelayMs: number | null
  /** Nineteen of twenty found events were found within this. */
  readonly p95DelayMs: number | null
  readonly falseAlarmsPerDay: number
}

export interface VerdictAccuracy {
  /** Episodes with a verdict. */
  readonly judged: number
  /** Of those, the ones that people called confirmed or known. */
  readonly right: number
  readonly precision: number | null
}

export interface GroupEvaluation {
  readonly name: string
  readonly episodes: number
  readonly byLabels: LabelAccuracy | undefined
  readonly byVerdicts: VerdictAccuracy
}

export interface Evaluation {
  readonly fromMs: number
  readonly toMs: number
  readonly all: GroupEvaluation
  /** Each the largest group first. An event belongs to a series; to a model or a route it belongs when that had an episode of the series. */
  readonly bySeries: readonly GroupEvaluation[]
  readonly byModel: readonly GroupEvaluation[]
  readonly byRoute: readonly GroupEvaluation[]
  /** By the kind of the events that have one, in the order of the alphabet. */
  readonly byFault: readonly FaultAccuracy[]
}

/** An episode says nothing of the kind of a fault, so there is no precision. */
export interface FaultAccuracy {
  readonly kind: string
  readonly faults: number
  readonly found: number
  readonly medianDelayMs: number | null
  readonly p95DelayMs: number | null
}

/** Events outside of the time are left out: nobody could have found them. */
export function evaluate(input: EvaluationInput): Evaluation {
  const { fromMs, toMs, episodes, truth } = input
  const events = truth?.events.filter((event) => event.toMs >= fromMs && event.fromMs <= toMs) ?? []
  const judge = (name: string, own: readonly EvaluatedEpisode[], its: readonly TrueEvent[]) =>
    evaluateGroup(name, own, its, input)
  const eventsBySeries = groupBy(events, ({ series }) => series)
  const bySeries = groupBy(episodes, ({ series }) => series)
  for (const series of eventsBySeries.keys()) if (!bySeries.has(series)) bySeries.set(series, [])
  const eventsOf = (own: readonly EvaluatedEpisode[]) =>
    [...new Set(own.map(({ series }) => series))].flatMap((series) => eventsBySeries.get(series) ?? [])
  const grouped = (groups: Map<string, EvaluatedEpisode[]>) =>
    largestFirst([...groups].map(([name, own]) => judge(name, own, eventsOf(own))))
  return {
    ...{ fromMs, toMs },
    all: judge('all', episodes, events),
    bySeries: largestFirst([...bySeries].map(([name, own]) => judge(name, own, eventsBySeries.get(name) ?? []))),
    byModel: grouped(groupBy(episodes, ({ model }) => model)),
    byRoute: grouped(byRoutes(episodes)),
    byFault: faultAccuracies(events, episodes, truth?.toleranceMs ?? 0),
  }
}

function faultAccuracies(
  events: readonly TrueEvent[],
  episodes: readonly EvaluatedEpisode[],
  toleranceMs: number,
): FaultAccuracy[] {
  const kinds = groupBy(
    events.filter(({ kind }) => kind !== undefined),
    ({ kind }) => kind!,
  )
  return [...kinds]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, own]) => {
      const { events: faults, eventsFound: found, delaysMs } = countEvents(own, episodes, toleranceMs)
      return { kind, faults, found, medianDelayMs: quantile(delaysMs, 0.5), p95DelayMs: quantile(delaysMs, 0.95) }
    })
}

const dayMs = 86_400_000
/** What the reporter's API counts as right, too. */
const rightVerdicts: ReadonlySet<Verdict> = new Set(['confirmed', 'known'])
const noVerdicts: ReadonlySet<Verdict> = new Set(['unknown', 'undone'])

function evaluateGroup(
  name: string,
  episodes: readonly EvaluatedEpisode[],
  events: readonly TrueEvent[],
  input: EvaluationInput,
): GroupEvaluation {
  const { truth, verdicts, fromMs, toMs } = input
  const said = episodes.map(({ id }) => verdicts.get(id)).filter((verdict) => verdict !== undefined && !noVerdicts.has(verdict))
  const right = said.filter((verdict) => rightVerdicts.has(verdict!)).length
  return {
    ...{ name, episodes: episodes.length },
    byLabels: truth && labelAccuracy(countEvents(events, episodes, truth.toleranceMs), (toMs - fromMs) / dayMs),
    byVerdicts: { judged: said.length, right, precision: said.length > 0 ? right / said.length : null },
  }
}

export function labelAccuracy(counts: EventCounts, days: number): LabelAccuracy {
  return {
    ...eventAccuracy(counts),
    counts,
    medianDelayMs: quantile(counts.delaysMs, 0.5),
    p95DelayMs: quantile(counts.delaysMs, 0.95),
    falseAlarmsPerDay: (counts.episodes - counts.episodesRight) / days,
  }
}

function byRoutes(episodes: readonly EvaluatedEpisode[]): Map<string, EvaluatedEpisode[]> {
  const pairs = episodes.flatMap((episode) => [...new Set(episode.routes)].map((route) => ({ route, episode })))
  return new Map([...groupBy(pairs, ({ route }) => route)].map(([route, own]) => [route, own.map(({ episode }) => episode)]))
}

function largestFirst(groups: GroupEvaluation[]): GroupEvaluation[] {
  return groups.sort((a, b) => b.episodes - a.episodes || (a.name < b.name ? -1 : 1))
}
