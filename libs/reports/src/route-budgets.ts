/** The budgets in a routing tree, as the configuration of the alerter has it. */
import type { RouteBudget } from './report.ts'

/** What is looked at of a route; a route without a name is known by its receiver's, which it inherits. */
export interface WrittenRoute {
  readonly name?: string | undefined
  readonly receiver?: string | undefined
  readonly budget?: { readonly notifications: number; readonly perMs: number } | undefined
  readonly routes?: readonly WrittenRoute[] | undefined
}

export function routeBudgets(root: WrittenRoute): RouteBudget[] {
  return budgetsBelow({ ...root, name: root.name ?? defaultName }, defaultName)
}

/** Of the root, and of the receiver made of the addresses in the configuration. */
const defaultName = 'default'

function budgetsBelow({ name, receiver, budget, routes = [] }: WrittenRoute, inherited: string): RouteBudget[] {
  const own = receiver ?? inherited
  const below = routes.flatMap((route) => budgetsBelow(route, own))
  return budget ? [{ route: name ?? own, ...budget }, ...below] : below
}
