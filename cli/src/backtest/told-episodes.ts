/** What became of each episode of a backtest: when it opened and ended, how bad it was, and whether people were told of it or why not. */
import type { Simulated } from '@lapwing/alerter/simulate'
import { compareSeverity } from '@lapwing/alerting/severity'
import type { Anomaly, Severity } from '@lapwing/contracts/records'
import { seriesText } from '@lapwing/contracts/series'

export interface ToldEpisode {
  readonly id: string
  readonly series: string
  readonly startedAtMs: number
  /** When its first record was written. */
  readonly openedAtMs: number
  readonly endedAtMs: number | null
  /** The worst it reached. */
  readonly severity: Severity
  readonly peakScore: number
  /** Of the record that opened it. */
  readonly value: number
  readonly lower: number
  readonly upper: number
  /** Strongest first. */
  readonly reasons: readonly string[]
  /** The first message that people got of it. */
  readonly toldAtMs: number | null
  /** Why not; empty when they were told. */
  readonly heldBy: string
}

/** In the order in which they opened. */
export function toldEpisodes(anomalies: readonly Anomaly[], simulated: Simulated): ToldEpisode[] {
  const toldAtMs = new Map<string, number>()
  for (const { atMs, episodes, state } of simulated.messages) {
    if (state === 'firing') for (const id of episodes) toldAtMs.set(id, Math.min(atMs, toldAtMs.get(id) ?? atMs))
  }
  const reasons = new Map(
    simulated.outcomes.map(({ recordId, outcome, reason }) => [recordId, outcome === 'delivered' ? '' : reason]),
  )
  const episodes = new Map<string, ToldEpisode>()
  for (const anomaly of anomalies) {
    const known = episodes.get(anomaly.episodeId)
    episodes.set(anomaly.episodeId, known ? continued(known, anomaly) : begun(anomaly, toldAtMs.get(anomaly.episodeId) ?? null))
  }
  for (const { id, episodeId, state } of anomalies) {
    const episode = episodes.get(episodeId)!
    if (episode.toldAtMs === null && state === 'open')
      episodes.set(episodeId, { ...episode, heldBy: reasons.get(id) ?? 'pending' })
  }
  return [...episodes.values()]
}

function begun(anomaly: Anomaly, toldAtMs: number | null): ToldEpisode {
  const {
    episodeId: id,
    startedAtMs,
    observedAtMs,
    endedAtMs,
    severity,
    peakScore,
    value,
    lower,
    upper,
    reasons,
    labels,
  } = anomaly
  return {
    ...{ id, startedAtMs, endedAtMs, severity, peakScore, value, lower, upper, toldAtMs },
    series: seriesText(labels),
    openedAtMs: observedAtMs,
    reasons: reasons.map(({ name }) => name),
    heldBy: '',
  }
}

function continued(episode: ToldEpisode, { severity, peakScore, endedAtMs }: Anomaly): ToldEpisode {
  return {
    ...episode,
    severity: compareSeverity(severity, episode.severity) > 0 ? severity : episode.severity,
    peakScore: Math.max(peakScore, episode.peakScore),
    endedAtMs: endedAtMs ?? episode.endedAtMs,
  }
}
