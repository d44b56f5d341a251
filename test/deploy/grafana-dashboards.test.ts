/** Every expression of the dashboards is parsed by a real Prometheus, and every metric in them is documented. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { documentedMetrics } from '../../cli/testing/metrics-document.ts'
import { familyOf, metricsIn } from './promql.ts'

const folder = fileURLToPath(new URL('../../deploy/grafana/dashboards/', import.meta.url))

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[]
  readonly templating: { readonly list: readonly { readonly type: string; readonly query: string }[] }
}

/** With the variables of Grafana replaced as Grafana would. */
const expressions = readdirSync(folder).flatMap((file) => {
  const { panels, templating } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Dashboard
  const asked = panels.flatMap(({ targets }) => targets?.map(({ expr }) => expr) ?? [])
  const variables = templating.list
    .filter(({ type }) => type === 'query')
    .map(({ query }) => query.replace(/^label_values\((\w+), \w+\)$/, '$1'))
  return [...asked, ...variables].map((expr) => ({
    file,
    expr: expr.replaceAll('$__rate_interval', '5m').replace(/\$\w+/g, '.*'),
  }))
})

test('there are expressions in every dashboard', () => {
  expect(expressions.length).toBeGreaterThan(60)
  expect(new Set(expressions.map(({ file }) => file)).size).toBe(readdirSync(folder).length)
})

test('every metric in them is documented', () => {
  const known = new Set([...documentedMetrics().map(({ name }) => name), 'up'])
  const unknown = expressions.flatMap(({ file, expr }) => metricsIn(expr).map((metric) => ({ file, metric })))
  expect(unknown.filter(({ metric }) => !known.has(familyOf(metric, known)))).toEqual([])
})

const hasPromtool = spawnSync('promtool', ['--version']).status === 0
if (!hasPromtool)
  process.stderr.write('skipped: promtool is not installed, so the expressions of the dashboards are not parsed\n')

test.runIf(hasPromtool)('Prometheus parses every one', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lapwing-dashboards-'))
  const rules = expressions.map(({ file, expr }, i) => ({ record: `panel:${file.replace(/\W/g, '_')}:${i}`, expr }))
  const path = join(directory, 'panels.yaml')
  writeFileSync(path, stringify({ groups: [{ name: 'panels', rules }] }))
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', path], { encoding: 'utf8' })
  rmSync(directory, { recursive: true })
  expect(stderr).toBe('')
  expect(stdout).toContain(`${rules.length} rules found`)
  expect(status).toBe(0)
})
