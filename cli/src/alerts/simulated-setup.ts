/** A configuration of the alerter as it decides about records of the past. */
import type { AlerterConfig } from '@lapwing/alerter/config'
import { readMutesFile } from '@lapwing/alerter/mutes-file'
import { routingTree } from '@lapwing/alerter/route-config'
import { decisionPolicy, routePolicy } from '@lapwing/alerter/route-policy'
import type { SimulatedSetup } from '@lapwing/alerter/simulate'
import { everyRoute } from '@lapwing/alerting/routing'

/**
 * Throws ConfigError for a file of mutes that cannot be read.
 *
 * @param fromMs from when on mutes count
 * @param afterwardsMs how long the clock goes on after the last record
 */
export function simulatedSetup(alerter: AlerterConfig, fromMs: number, afterwardsMs: number): SimulatedSetup {
  const tree = routingTree(alerter.route)
  const routes = new Map([...everyRoute(tree)].map((route) => [route.name, route]))
  const mutes = alerter.mutes_file === '' ? [] : readMutesFile(alerter.mutes_file, fromMs)
  return {
    ...{ decision: decisionPolicy(alerter), tree, rateLimit: undefined, afterwardsMs },
    policyOf: (name) => routePolicy(routes.get(name)!, alerter),
    mutes: { own: () => mutes, all: () => mutes },
  }
}
