/**
 * The order of severities, and the least one a person is told of.
 *
 * The words and their use are those of the Prometheus monitoring mixins: critical pages, warning makes a ticket, info is
 * recorded only.
 */
import type { Severity } from '@lapwing/contracts/records'

/** Lowest first. */
export const severities = ['info', 'warning', 'critical'] as const satisfies readonly Severity[]

/** Negative, zero or positive as `a` is below, at or above `b`. */
export function compareSeverity(a: Severity, b: Severity): number {
  return severities.indexOf(a) - severities.indexOf(b)
}

export function higherSeverity(a: Severity, b: Severity): Severity {
  return compareSeverity(a, b) >= 0 ? a : b
}
