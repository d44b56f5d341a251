/** Open anomalies as people think of them: what goes on on one machine at one time is one incident. Pure. */
import type { AnomalyView } from '../api-model.ts'

export interface Incident {
  readonly entityKey: string
  /** What its series have in common. */
  readonly name: string
  readonly severity: AnomalyView['severity']
  readonly sinceMs: number
  /** The most severe first. */
  readonly anomalies: readonly AnomalyView[]
  /** Whether anything was delivered to anybody. */
  readonly isTold: boolean
}

/** The most severe first, then the longest. */
export function incidents(open: readonly AnomalyView[]): Incident[] {
  const byEntity = new Map<string, AnomalyView[]>()
  for (const anomaly of open) byEntity.set(anomaly.entityKey, [...(byEntity.get(anomaly.entityKey) ?? []), anomaly])
  const all = [...byEntity].map(([entityKey, anomalies]): Incident => {
    const ordered = anomalies.toSorted((a, b) => rank(b) - rank(a) || a.startedAtMs - b.startedAtMs)
    return {
      ...{ entityKey, anomalies: ordered, severity: ordered[0]!.severity, name: commonLabels(ordered) },
      sinceMs: Math.min(...ordered.map(({ startedAtMs }) => startedAtMs)),
      isTold: ordered.some(({ notifications }) => notifications.some(({ outcome }) => outcome === 'delivered')),
    }
  })
  return all.sort((a, b) => rank(b) - rank(a) || a.sinceMs - b.sinceMs)
}

/** Anomalies of the same entity that overlap in time with this one. */
export function besides(anomaly: AnomalyView, others: readonly AnomalyView[]): AnomalyView[] {
  const untilMs = anomaly.endedAtMs ?? Number.POSITIVE_INFINITY
  return others.filter(
    (other) =>
      other.episodeId !== anomaly.episodeId &&
      other.entityKey === anomaly.entityKey &&
      other.startedAtMs <= untilMs &&
      (other.endedAtMs ?? Number.POSITIVE_INFINITY) >= anomaly.startedAtMs,
  )
}

function rank({ severity }: Pick<AnomalyView, 'severity'>): number {
  return ['info', 'warning', 'critical'].indexOf(severity)
}

/** `instance` first, because that is what people look for; the series' own text when they share no label. */
function commonLabels(anomalies: readonly AnomalyView[]): string {
  const [first, ...rest] = anomalies
  const common = first!.labels.filter(
    ([name, value]) =>
      name !== '__name__' && rest.every(({ labels }) => labels.some((label) => label[0] === name && label[1] === value)),
  )
  const ordered = common.toSorted(([a], [b]) => Number(b === 'instance') - Number(a === 'instance'))
  return ordered.length > 0 ? ordered.map(([, value]) => value).join(' · ') : first!.text
}
