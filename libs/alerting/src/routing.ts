/**
 * The routing tree, in Alertmanager's words: which routes an alert takes.
 *
 * From the root down: an alert takes the first child that matches it, and further ones as long as each says `continue`; when no
 * child matches, the node itself is its route. The root matches everything, so no alert is without a route.
 *
 * Source: Alertmanager "Configuration", section route.
 */
import { allMatch, type LabelSet, type Matcher } from './matcher.ts'

export interface Route {
  /** Unique in the tree. */
  readonly name: string
  readonly matchers: readonly Matcher[]
  readonly continue: boolean
  readonly routes: readonly Route[]
}

/** The routes that alerts with these labels take, at least one. */
export function routesFor<R extends Route>(node: R, labels: LabelSet): R[] {
  const taken: R[] = []
  for (const child of node.routes as readonly R[]) {
    if (!allMatch(child.matchers, labels)) continue
    taken.push(...routesFor(child, labels))
    if (!child.continue) break
  }
  return taken.length > 0 ? taken : [node]
}

/** The node and everything below it. */
export function* everyRoute<R extends Route>(node: R): Generator<R> {
  yield node
  for (const child of node.routes as readonly R[]) yield* everyRoute(child)
}
