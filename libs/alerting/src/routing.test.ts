import { expect, test } from 'vitest'
import { parseMatcher } from './matcher.ts'
import { everyRoute, type Route, routesFor } from './routing.ts'

const route = (name: string, matcher: string, differences: Partial<Route> = {}): Route => ({
  ...{ name, matchers: matcher === '' ? [] : [parseMatcher(matcher)], continue: false, routes: [] },
  ...differences,
})
const tree = route('root', '', {
  routes: [
    route('audit', 'severity="critical"', { continue: true }),
    route('db', 'team="db"', { routes: [route('db-night', 'metric=~"disk.*"')] }),
    route('late', 'team=~"db|web"'),
  ],
})
const taken = (labels: Record<string, string>) => routesFor(tree, labels).map(({ name }) => name)

test.each([
  ['the root when nothing else matches', {}, ['root']],
  ['the first that matches, and no further', { team: 'db' }, ['db']],
  ['the deepest that matches', { team: 'db', metric: 'disk_free' }, ['db-night']],
  ['further ones after one that says continue', { team: 'web', severity: 'critical' }, ['audit', 'late']],
])('an alert takes %s', (_, labels, expected) => {
  expect(taken(labels)).toEqual(expected)
})

test('every route is found in the tree', () => {
  expect([...everyRoute(tree)].map(({ name }) => name)).toEqual(['root', 'audit', 'db', 'db-night', 'late'])
})
