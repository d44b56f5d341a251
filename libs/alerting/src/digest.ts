/**
 * The digest of a route: what a receiver was not told, by reason, with the worst by name; one message instead of a flood.
 *
 * Only holds count (a mute, a limit, flapping, too short): what is a duplicate or part of an incident that was told is no secret.
 * An alert counts once, by its beginnings: what is left out is counted where the record that fires has its outcome.
 */
import type { Alert, Severity } from '@lapwing/contracts/records'
import type { Settlement } from './reconcile.ts'
import { compareSeverity } from './severity.ts'

export interface Digest {
  /** From when on it counts; its interval runs from here. */
  readonly sinceMs: number
  /** Alerts by the reason for which they were not told. */
  readonly counts: Readonly<Record<string, number>>
  /** The worst of them, at most `namedAlerts`. */
  readonly worst: readonly LeftOut[]
}

export interface LeftOut {
  readonly alertId: string
  readonly metric: string
  /** `instance=node-1:9100`, shortened. */
  readonly where: string
  readonly severity: Severity
  readonly score: number
  readonly reason: string
}

export const namedAlerts = 10

const counted: ReadonlySet<string> = new Set(['flapping', 'muted', 'too_short', 'over_budget', 'rate_limited'])

export function emptyDigest(sinceMs: number): Digest {
  return { sinceMs, counts: {}, worst: [] }
}

/** The digest with these outcomes; itself when none of them counts. */
export function withLeftOut(
  digest: Digest,
  settlements: readonly Settlement[],
  alertOf: (id: string) => Alert | undefined,
): Digest {
  const news = settlements.filter(
    ({ outcome, reason, record }) => outcome === 'suppressed' && counted.has(reason) && record.state === 'firing',
  )
  if (news.length === 0) return digest
  const counts = { ...digest.counts }
  const worst = new Map(digest.worst.map((each) => [each.alertId, each]))
  for (const { alert, record, reason } of news) {
    counts[reason] = (counts[reason] ?? 0) + 1
    worst.set(record.alertId, leftOut(alertOf(record.alertId) ?? alert, reason))
  }
  return { sinceMs: digest.sinceMs, counts, worst: [...worst.values()].sort(byWeight).slice(0, namedAlerts) }
}

/** When it is to be told; Infinity while there is nothing to tell. */
export function digestDueAtMs({ sinceMs, counts }: Digest, everyMs: number): number {
  return everyMs > 0 && Object.keys(counts).length > 0 ? sinceMs + everyMs : Number.POSITIVE_INFINITY
}

export function leftOutCount({ counts }: Digest): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

function leftOut({ id, metric, labels, severity, score }: Alert, reason: string): LeftOut {
  const where = labels.filter(({ name }) => name !== '__name__').map(({ name, value }) => `${name}=${value}`)
  return { alertId: id, metric: metric.slice(0, 100), where: where.join(' ').slice(0, 200), severity, score, reason }
}

function byWeight(a: LeftOut, b: LeftOut): number {
  return compareSeverity(b.severity, a.severity) || b.score - a.score || (a.alertId < b.alertId ? -1 : 1)
}
