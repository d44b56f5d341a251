/** An alert for tests: a warning of the load of a node, one minute into it. */
import type { Alert } from '@lapwing/contracts/records'

export const startedAtMs = Date.parse('2026-01-05T10:00:00Z')

export function alertRecord(differences: Partial<Alert> = {}): Alert {
  return {
    id: 'episode-1',
    recordId: 'record-1',
    route: 'default',
    state: 'firing',
    decision: 'notify',
    reason: 'new',
    severity: 'warning',
    anomalyId: 'record-1',
    seriesKey: 'series-1',
    entityKey: 'entity-1',
    metric: 'node_load1',
    labels: [
      { name: '__name__', value: 'node_load1' },
      { name: 'instance', value: 'node-1:9100' },
    ],
    startedAtMs,
    observedAtMs: startedAtMs + 60_000,
    endedAtMs: null,
    value: 12.5,
    expected: 0.8,
    lower: 0.2,
    upper: 1.9,
    score: 2.4,
    reasons: [
      { name: 'level', share: 0.7 },
      { name: 'novelty', share: 0.3 },
    ],
    ...differences,
  }
}
