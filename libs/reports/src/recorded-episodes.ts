/** The episodes of a time, each with what is known of it in the end. */
import { compareSeverity } from '@lapwing/alerting/severity'
import { episodeEnd } from '@lapwing/contracts/episode-end'
import type { Anomaly, Notification, Severity, Verdict } from '@lapwing/contracts/records'
import { seriesText } from '@lapwing/contracts/series'
import type { EvaluatedEpisode } from '@lapwing/evaluation/accuracy-evaluator'
import type { PeriodRecords } from './period-records.ts'

export interface RecordedEpisode extends EvaluatedEpisode {
  readonly metric: string
  readonly entityKey: string
  readonly startedAtMs: number
  /** null while it is open. */
  readonly endedAtMs: number | null
  /** Why it ended (`episodeEnd`); empty while it is open. */
  readonly endReason: string
  /** The worst that it reached. */
  readonly severity: Severity
  readonly peakScore: number
  /** Of the record that opened it. */
  readonly value: number
  readonly expected: number
  /** The strongest reason, or empty. */
  readonly reason: string
  /** Whether a receiver was told of it. */
  readonly told: boolean
  readonly verdict: Verdict | undefined
}

/** In the order in which they opened. */
export function recordedEpisodes({ anomalies, notifications, feedback }: PeriodRecords): RecordedEpisode[] {
  const routes = routesOf(notifications)
  const told = new Set(
    notifications.filter(({ outcome, state }) => outcome === 'delivered' && state === 'firing').map(({ alertId }) => alertId),
  )
  const verdicts = new Map(feedback.map(({ episodeId, verdict }) => [episodeId, verdict]))
  const byEpisode = new Map<string, Anomaly[]>()
  for (const anomaly of anomalies) byEpisode.set(anomaly.episodeId, [...(byEpisode.get(anomaly.episodeId) ?? []), anomaly])
  const episodes = [...byEpisode].map(([id, records]) => ({
    ...episodeOf(id, records),
    routes: routes.get(id) ?? [],
    told: told.has(id),
    verdict: verdicts.get(id),
  }))
  return episodes.sort((a, b) => a.openedAtMs - b.openedAtMs || (a.id < b.id ? -1 : 1))
}

/** Records of several partitions come in any order. */
function episodeOf(id: string, records: Anomaly[]): Omit<RecordedEpisode, 'routes' | 'told' | 'verdict'> {
  records.sort((a, b) => a.observedAtMs - b.observedAtMs)
  const [first] = records
  const end = records.find(({ endedAtMs }) => endedAtMs !== null)
  const { labels, model, metric, entityKey, startedAtMs, observedAtMs, value, expected, reasons } = first!
  return {
    ...{ id, model, metric, entityKey, startedAtMs, value, expected },
    series: seriesText(labels),
    openedAtMs: observedAtMs,
    endedAtMs: end?.endedAtMs ?? null,
    endReason: end ? episodeEnd(end) : '',
    severity: records
      .map(({ severity }) => severity)
      .sort(compareSeverity)
      .at(-1)!,
    peakScore: Math.max(...records.map(({ peakScore }) => peakScore)),
    reason: reasons[0]?.name ?? '',
  }
}

function routesOf(notifications: readonly Notification[]): Map<string, string[]> {
  const routes = new Map<string, Set<string>>()
  for (const { alertId, route } of notifications) routes.set(alertId, (routes.get(alertId) ?? new Set()).add(route))
  return new Map([...routes].map(([id, names]) => [id, [...names].sort()]))
}
