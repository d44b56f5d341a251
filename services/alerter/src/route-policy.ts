/** What the configuration says of decisions, in the form in which they take it. */
import { flappingPolicy } from '@lapwing/alerting/flapping'
import type { AlerterConfig } from './config.ts'
import type { DecisionPolicy } from './decide-alert.ts'
import type { AlertRoute } from './route-config.ts'
import type { RoutePolicy } from './route-plan.ts'

export function decisionPolicy(config: AlerterConfig): DecisionPolicy {
  return { minimumSeverity: config.minimum_severity, flapping: flappingPolicy(config.flapping_window.ms) }
}

export function routePolicy(route: AlertRoute, config: AlerterConfig): RoutePolicy {
  return {
    incident: {
      ...{ groupBy: route.groupBy, reopenMs: config.reopen_window.ms, broadSeries: config.broad_series },
      // `...` keeps every series to itself.
      together: { withinMs: route.groupBy.includes('...') ? 0 : config.together_within.ms },
    },
    flappingHoldMs: config.flapping_hold.ms,
    ...{
      groupWaitMs: route.groupWaitMs,
      minimumDurationMs: route.minimumDurationMs,
      budget: route.budget,
      digestMs: route.digestMs,
    },
  }
}
