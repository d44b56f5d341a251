/**
 * How good decisions are event by event, as whoever is told of them counts: an episode that opens while something is wrong is right, one that
 * opens at any other time is a false alarm; something wrong that no episode opened in was missed.
 *
 * An episode that was open already when something went wrong does not count as having found it. Several episodes in one event are all
 * right, and the first of them decides the delay.
 */
import type { Accuracy } from './point-accuracy.ts'

/** A time in which something is known to be wrong with a series. Milliseconds since the epoch. */
export interface TrueEvent {
  /** Whatever names the series, the same as in the episodes. */
  readonly series: string
  readonly fromMs: number
  /** Belongs to the event. */
  readonly toMs: number
  /** What went wrong, where it is known: of a fault that was put in. */
  readonly kind?: string | undefined
}

export interface JudgedEpisode {
  readonly series: string
  /** When it was told. */
  readonly openedAtMs: number
}

export interface EventCounts {
  readonly events: number
  readonly eventsFound: number
  readonly episodes: number
  readonly episodesRight: number
  /** From the beginning of each found event to the first episode that opened in it, ascending. */
  readonly delaysMs: readonly number[]
}

/** @param toleranceMs how far outside of an event an episode may open and still be right */
export function countEvents(events: readonly TrueEvent[], episodes: readonly JudgedEpisode[], toleranceMs: number): EventCounts {
  const opened = groupBy(episodes, ({ series }) => series)
  const right = new Set<JudgedEpisode>()
  const delaysMs: number[] = []
  for (const { series, fromMs, toMs } of events) {
    const inside = (opened.get(series) ?? []).filter(
      ({ openedAtMs }) => openedAtMs >= fromMs - toleranceMs && openedAtMs <= toMs + toleranceMs,
    )
    if (inside.length === 0) continue
    for (const episode of inside) right.add(episode)
    delaysMs.push(Math.max(0, Math.min(...inside.map(({ openedAtMs }) => openedAtMs)) - fromMs))
  }
  delaysMs.sort((a, b) => a - b)
  return { events: events.length, eventsFound: delaysMs.length, episodes: episodes.length, episodesRight: right.size, delaysMs }
}

/** Counts of several series, models or days together. */
export function summedCounts(all: readonly EventCounts[]): EventCounts {
  const sum = (of: (counts: EventCounts) => number) => all.reduce((total, counts) => total + of(counts), 0)
  return {
    events: sum(({ events }) => events),
    eventsFound: sum(({ eventsFound }) => eventsFound),
    episodes: sum(({ episodes }) => episodes),
    episodesRight: sum(({ episodesRight }) => episodesRight),
    delaysMs: all.flatMap(({ delaysMs }) => delaysMs).sort((a, b) => a - b),
  }
}

/** Precision is a share of the episodes, recall one of the events. */
export function eventAccuracy({ events, eventsFound, episodes, episodesRight }: EventCounts): Accuracy {
  const precision = episodes > 0 ? episodesRight / episodes : null
  const recall = events > 0 ? eventsFound / events : null
  if (precision === null || recall === null) return { precision, recall, f1: null }
  return { precision, recall, f1: precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0 }
}

/** Of ascending numbers, by nearest rank: the least one that a share of them do not exceed; null of none. */
export function quantile(ascending: readonly number[], share: number): number | null {
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? null
}

/** Groups in the order in which each first comes. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}
