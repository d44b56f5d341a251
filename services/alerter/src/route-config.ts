/**
 * The routing tree as people write it, in Alertmanager's words, and as the alerter uses it.
 *
 * A route inherits receiver, `group_by`, `group_wait`, `minimum_duration` and `digest_interval` from its parent; a budget is its own. It is known by
 * its name, or else by its receiver's: its memory is kept under it, so it must be unique and should stay.
 */
import type { Allowance } from '@lapwing/alerting/limits'
import { type Matcher, parseMatcher } from '@lapwing/alerting/matcher'
import { everyRoute, type Route } from '@lapwing/alerting/routing'
import { duration } from '@lapwing/service/config-fields'
import { z } from 'zod'
import { defaultRoute } from './decide-alert.ts'
import { readable } from './readable-field.ts'

export const allowanceSchema = z
  .strictObject({ notifications: z.int().min(1).max(10_000), per: duration(1000) })
  .transform(({ notifications, per }): Allowance => ({ notifications, perMs: per.ms }))

const ownFields = {
  name: z
    .string()
    .regex(/^[\w-]{1,50}$/, 'expected letters, digits and dashes')
    .optional(),
  receiver: z.string().optional(),
  group_by: z.array(z.string().min(1)).optional(),
  group_wait: duration(0).optional(),
  minimum_duration: duration(0).optional(),
  budget: allowanceSchema.optional(),
  digest_interval: duration(0).optional(),
}

interface WrittenRoute extends z.output<z.ZodObject<typeof ownFields>> {
  readonly matchers: readonly Matcher[]
  readonly continue: boolean
  readonly routes: readonly WrittenRoute[]
}

const childSchema: z.ZodType<WrittenRoute> = z.lazy(() =>
  z.strictObject({
    ...ownFields,
    matchers: z.array(readable(parseMatcher)).min(1),
    continue: z.boolean().default(false),
    routes: z.array(childSchema).default([]),
  }),
)

/** The root matches everything, so it has no matchers. */
export const routeSchema = z
  .strictObject({ ...ownFields, routes: z.array(childSchema).default([]) })
  .transform((root): WrittenRoute => ({ ...root, matchers: [], continue: false }))

/** A node of the tree with everything it inherited. */
export interface AlertRoute extends Route {
  readonly receiver: string
  readonly groupBy: readonly string[]
  readonly groupWaitMs: number
  readonly minimumDurationMs: number
  readonly digestMs: number
  readonly budget: Allowance | undefined
  readonly routes: readonly AlertRoute[]
}

/** What a root has that says nothing: one incident per machine of a namespace of a cluster. */
const rootDefaults = {
  receiver: 'default',
  groupBy: ['cluster', 'namespace', 'instance'],
  groupWaitMs: 0,
  minimumDurationMs: 0,
  digestMs: 0,
}

export function routingTree(root: WrittenRoute): AlertRoute {
  return resolved({ ...root, name: root.name ?? defaultRoute }, rootDefaults)
}

type Inherited = Pick<AlertRoute, 'receiver' | 'groupBy' | 'groupWaitMs' | 'minimumDurationMs' | 'digestMs'>

function resolved(written: WrittenRoute, parent: Inherited): AlertRoute {
  const own: Inherited = {
    receiver: written.receiver ?? parent.receiver,
    groupBy: written.group_by ?? parent.groupBy,
    groupWaitMs: written.group_wait?.ms ?? parent.groupWaitMs,
    minimumDurationMs: written.minimum_duration?.ms ?? parent.minimumDurationMs,
    digestMs: written.digest_interval?.ms ?? parent.digestMs,
  }
  const { matchers, budget } = written
  const routes = written.routes.map((child) => resolved(child, own))
  return { ...own, name: written.name ?? own.receiver, matchers, continue: written.continue, budget, routes }
}

/** Names that are not unique, and receivers that do not exist. */
export function checkRoutes(
  { route, receivers }: { route: WrittenRoute; receivers: readonly { name: string }[] },
  context: z.core.$RefinementCtx,
): void {
  const complain = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message, input: undefined })
  const known = ['default', ...receivers.map(({ name }) => name)]
  const twice = known.findIndex((name, i) => known.indexOf(name) < i)
  if (twice > 0) complain(['receivers', twice - 1, 'name'], `expected a name that no other receiver has ("default" is taken)`)
  const names = new Set<string>()
  for (const { name, receiver } of everyRoute(routingTree(route))) {
    if (names.has(name))
      complain(['route', 'routes'], `expected routes of different names: give one of those called "${name}" a name`)
    names.add(name)
    if (!known.includes(receiver))
      complain(['route'], `expected receivers that exist: "${receiver}" is none of ${known.join(', ')}`)
  }
}
