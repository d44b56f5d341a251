/** Who was told of what, how fast, and what was kept from them. */
import { dashboard, graph, labelVariable, stat } from './panels.ts'

const chosen = 'receiver=~"$receiver"'

export function alerts() {
  return dashboard(
    'lapwing-alerts',
    'Lapwing / Alerts',
    'Every alert record ends as delivered, suppressed or refused, with a reason, or waits.',
  )
    .withVariable(labelVariable('receiver', 'Receiver', 'lapwing_alerts_accepted_total'))
    .withPanel(
      stat(
        { title: 'Waiting now', description: 'Without an outcome yet.', unit: 'short' },
        `sum(lapwing_notifications_pending{${chosen}})`,
        { warningFrom: 10, badFrom: 100 },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Unaccounted for',
          description: 'Taken on, less those with an outcome, less those that wait. Anything but 0 is a defect.',
          unit: 'short',
        },
        `sum(lapwing_alerts_accepted_total{${chosen}}) - sum(lapwing_notifications_total{${chosen}}) - sum(lapwing_notifications_pending{${chosen}})`,
        { warningFrom: 1, badFrom: 1 },
      ),
    )
    .withPanel(
      stat(
        { title: 'Receivers down', description: 'Whose circuit breaker is open.', unit: 'short' },
        `sum(max by (receiver) (lapwing_receiver_breaker_state{state="open",${chosen}}))`,
        { warningFrom: 1, badFrom: 1 },
      ),
    )
    .withPanel(
      graph({ title: 'Delivered', description: 'Per hour, by reason.', unit: 'short' }, [
        `sum by (receiver, reason) (increase(lapwing_notifications_total{outcome="delivered",${chosen}}[1h])) > 0`,
        '{{receiver}} {{reason}}',
      ]),
    )
    .withPanel(
      graph({ title: 'Kept back', description: 'Per hour, by reason: why nobody was told.', unit: 'short' }, [
        `sum by (reason) (increase(lapwing_notifications_total{outcome="suppressed",${chosen}}[1h])) > 0`,
        '{{reason}}',
      ]),
    )
    .withPanel(
      graph(
        {
          title: 'Time to delivery',
          description: 'From the alert record on the log; grouping on purpose is part of it.',
          unit: 's',
        },
        [
          `histogram_quantile(0.5, sum by (receiver, le) (rate(lapwing_notification_latency_seconds_bucket{${chosen}}[1h])))`,
          '{{receiver}} half within',
        ],
        [
          `histogram_quantile(0.99, sum by (receiver, le) (rate(lapwing_notification_latency_seconds_bucket{${chosen}}[1h])))`,
          '{{receiver}} 99 % within',
        ],
      ),
    )
    .withPanel(
      graph({ title: 'Failed attempts', description: 'Per hour, by code; they are made again.', unit: 'short' }, [
        `sum by (receiver, code) (increase(lapwing_delivery_failures_total{${chosen}}[1h])) > 0`,
        '{{receiver}} {{code}}',
      ]),
    )
    .withPanel(
      graph(
        {
          title: 'Budget of routes',
          description: 'Messages within the time of the budget, and the score an incident needs to be told.',
          unit: 'short',
        },
        [`max by (route, receiver) (lapwing_route_budget_used{${chosen}})`, '{{route}} {{receiver}} used'],
        [`max by (route, receiver) (lapwing_route_required_score{${chosen}})`, '{{route}} {{receiver}} score needed'],
      ),
    )
    .withPanel(
      graph(
        { title: 'Mutes and state that could not be used', description: 'Per day.', unit: 'short' },
        ['sum by (origin) (increase(lapwing_mutes_refused_total[1d])) > 0', 'mutes of {{origin}}'],
        ['sum(increase(lapwing_alert_state_damaged_total[1d])) > 0', 'snapshots of state'],
      ),
    )
    .build()
}
