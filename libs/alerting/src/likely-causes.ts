/**
 * Ranks the alerts of an incident by how likely each is its cause: the earliest, the strongest, the most connected first.
 *
 * Each of the three is scaled to 0..1 over the incident and they count alike. Connected is who shares labels with many others.
 * A ranking, not a proof: a cause that is scraped rarely starts late, and one without labels in common looks unconnected.
 */
import type { Alert } from '@lapwing/contracts/records'

export interface LikelyCause {
  readonly alert: Alert
  /** 0 to 1. */
  readonly likelihood: number
  /** What speaks for it: it is first in this among all. */
  readonly because: readonly ('earliest' | 'strongest' | 'most connected')[]
}

/** The likeliest first, at most `count`; ties are broken by id. */
export function likelyCauses(alerts: readonly Alert[], count: number): LikelyCause[] {
  const shared = labelCounts(alerts)
  const rank = {
    earliest: scaled(alerts.map(({ startedAtMs }) => -startedAtMs)),
    strongest: scaled(alerts.map(({ score }) => Math.log(Math.max(score, 1)))),
    'most connected': scaled(alerts.map((alert) => connections(alert, shared))),
  } as const
  const names = Object.keys(rank) as (keyof typeof rank)[]
  return alerts
    .map((alert, i) => ({
      alert,
      likelihood: names.reduce((sum, name) => sum + rank[name][i]!, 0) / names.length,
      because: alerts.length > 1 ? names.filter((name) => rank[name][i] === 1) : [],
    }))
    .sort((a, b) => b.likelihood - a.likelihood || (a.alert.id < b.alert.id ? -1 : 1))
    .slice(0, count)
}

/** 1 for the largest, 0 for the smallest; all 0 when they do not differ, because then nothing speaks for any. */
function scaled(values: readonly number[]): number[] {
  const finite = values.map((value) => (Number.isFinite(value) ? value : 0))
  const smallest = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const span = finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - smallest
  return finite.map((value) => (span > 0 ? (value - smallest) / span : 0))
}

function labelCounts(alerts: readonly Alert[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { labels } of alerts) {
    for (const { name, value } of labels) counts.set(`${name}\0${value}`, (counts.get(`${name}\0${value}`) ?? 0) + 1)
  }
  return counts
}

function connections({ labels }: Alert, counts: ReadonlyMap<string, number>): number {
  return labels.reduce((sum, { name, value }) => sum + (counts.get(`${name}\0${value}`) ?? 1) - 1, 0)
}
