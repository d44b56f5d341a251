/** Anomaly and notification records for tests; what is not said has a harmless default. */
import type { Anomaly, Control, Notification } from '@lapwing/contracts/records'
import { keyOf, labelled } from './score-batch.ts'

export function anomaly(about: Partial<Anomaly> & Pick<Anomaly, 'id' | 'episodeId'>): Anomaly {
  const labels = about.labels ?? labelled('requests', { service: 'checkout' })
  return {
    state: 'open',
    severity: 'warning',
    seriesKey: keyOf(labels),
    entityKey: '0'.repeat(32),
    metric: labels.find((label) => label.name === '__name__')?.value ?? '',
    labels,
    source: 'remote-write',
    model: 'half-space-trees:test',
    startedAtMs: 1_000_000,
    observedAtMs: 1_000_000,
    endedAtMs: null,
    value: 9,
    expected: 2,
    lower: 1,
    upper: 3,
    score: 1.5,
    peakScore: 1.5,
    confidence: 0.9,
    reasons: [{ name: 'spike', share: 1 }],
    suppressedBy: '',
    signature: null,
    endReason: '',
    ...about,
  }
}

export function notification(about: Partial<Notification> & Pick<Notification, 'id' | 'alertId'>): Notification {
  return {
    anomalyId: '',
    route: 'default',
    receiver: 'slack',
    outcome: 'delivered',
    reason: 'new',
    state: 'firing',
    severity: 'warning',
    metric: 'requests',
    labels: [],
    attempts: 1,
    error: '',
    atMs: 1_000_000,
    ...about,
  }
}

export function retrain(about: Partial<Control> & Pick<Control, 'id' | 'seriesKey'>): Control {
  return {
    kind: 'retrain',
    scope: `series:${about.seriesKey}`,
    reason: 'the mean score moved',
    detector: 'adwin',
    statistic: 0.4,
    threshold: 0.1,
    labels: [],
    requestedBy: 'drift',
    requestedAtMs: 1_000_000,
    ...about,
  }
}
