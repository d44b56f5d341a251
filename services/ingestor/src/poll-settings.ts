/** What the configuration says of polling and of the labels of series, in the form in which they take it. */
import type { IntakeRules } from '@lapwing/prometheus/series-intake'
import type { PollPolicy } from './poll-plan.ts'
import type { IngestorSettings } from './prometheus-client.ts'
import { relabelOf } from './relabel-settings.ts'

export function intakeRules(settings: IngestorSettings): IntakeRules {
  return {
    entityBy: settings.entity_by,
    relabel: relabelOf(settings.metric_relabel_configs),
    limits: {
      labels: settings.label_limit,
      nameLength: settings.label_name_length_limit,
      valueLength: settings.label_value_length_limit,
    },
  }
}

export function pollPolicy({
  step,
  poll_interval,
  lateness,
  history,
}: Pick<IngestorSettings, 'step' | 'poll_interval' | 'lateness' | 'history'>): PollPolicy {
  return { stepMs: step.ms, pollIntervalMs: poll_interval.ms, latenessMs: lateness.ms, historyMs: history.ms }
}
