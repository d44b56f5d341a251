/** What a route is configured to do, for tests: an incident per machine, nothing held but flapping. */
import type { Mutes, RoutePolicy } from '../src/route-plan.ts'

export const routePolicy: RoutePolicy = {
  incident: { groupBy: ['instance'], reopenMs: 600_000, broadSeries: 10, together: { withinMs: 60_000 } },
  groupWaitMs: 0,
  minimumDurationMs: 0,
  flappingHoldMs: 300_000,
  budget: undefined,
  digestMs: 0,
}

export const noMutes: Mutes = { own: () => [], all: () => [] }
