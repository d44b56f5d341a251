/** The rules for Prometheus: what promtool says of them, that each alert is tested and has a runbook, and that every metric exists. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { documentedMetrics } from '../../cli/testing/metrics-document.ts'
import { familyOf, metricsIn } from './promql.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = `${root}deploy/prometheus/`

interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

const readYaml = (path: string) => parse(readFileSync(path, 'utf8'))
const rules: readonly Rule[] = ['recording', 'alerts'].flatMap((name) =>
  (readYaml(`${folder}${name}.rules.yaml`).groups as { rules: Rule[] }[]).flatMap((group) => group.rules),
)
const alerts = rules.filter((rule) => rule.alert !== undefined)
const tests = readdirSync(`${folder}tests`).map((name) => `${folder}tests/${name}`)

const known = new Set([...documentedMetrics().map(({ name }) => name), ...rules.flatMap(({ record }) => record ?? []), 'up'])

const hasPromtool = spawnSync('promtool', ['--version']).status === 0
if (!hasPromtool)
  process.stderr.write('skipped: promtool is not installed, so the rules are not run (Debian: apt-get install prometheus)\n')

describe.runIf(hasPromtool)('promtool', () => {
  const promtool = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
    return { status, output: stdout + stderr }
  }

  test('accepts the rules and the configuration', () => {
    const { status, output } = promtool('check', 'config', `${folder}prometheus.yml`)
    expect(output).not.toContain('FAILED')
    expect(status, output).toBe(0)
  })

  test('runs their unit tests', () => {
    const { status, output } = promtool('test', 'rules', ...tests)
    expect(status, output).toBe(0)
  })
})

describe('every alert', () => {
  const tested = (file: string) =>
    (readYaml(`${folder}tests/${file}`).tests as { alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[] }[]).flatMap(
      (group) => group.alert_rule_test,
    )
  const names = alerts.map(({ alert }) => alert).toSorted()

  test('is shown to fire, and to keep quiet on a healthy day', () => {
    const firing = tested('firing.test.yaml').filter(({ exp_alerts: expected }) => expected?.length)
    expect(firing.map(({ alertname }) => alertname).toSorted()).toEqual(names)
    const quiet = tested('healthy.test.yaml').filter(({ exp_alerts: expected }) => !expected)
    expect(quiet.map(({ alertname }) => alertname).toSorted()).toEqual(names)
  })

  test.each(alerts.map((rule) => [rule.alert!, rule] as const))('%s has a severity, words and a runbook', (name, rule) => {
    expect(rule.labels?.severity).toMatch(/^(critical|warning|info)$/)
    expect(rule.annotations).toMatchObject({ summary: expect.stringMatching(/\.$/), description: expect.any(String) })
    expect(rule.annotations?.runbook_url).toBe(`docs/runbooks/${name}.md`)
    const runbook = readFileSync(`${root}docs/runbooks/${name}.md`, 'utf8')
    expect(runbook).toMatch(new RegExp(`^# ${name}\n`))
    for (const section of ['Meaning', 'Impact', 'Diagnosis', 'Mitigation']) expect(runbook).toContain(`## ${section}\n\n`)
    expect(runbook).toContain(`Severity: ${rule.labels?.severity}. ${rule.annotations?.summary}`)
  })

  test('has a runbook, and no runbook is without an alert', () => {
    expect(readdirSync(`${root}docs/runbooks`).toSorted()).toEqual(names.map((name) => `${name}.md`))
  })
})

test('every metric in the rules is documented', () => {
  const unknown = rules.flatMap(({ expr }) => metricsIn(expr)).filter((metric) => !known.has(familyOf(metric, known)))
  expect(unknown).toEqual([])
})

test('every metric and every page that a runbook names exists', () => {
  for (const name of readdirSync(`${root}docs/runbooks`)) {
    const text = readFileSync(`${root}docs/runbooks/${name}`, 'utf8')
    const metrics = [...text.matchAll(/`((?:[a-z]+:)?(?:lapwing|process|nodejs)_\w+(?::\w+)*)/g)].map(([, metric]) => metric!)
    expect(
      metrics.filter((metric) => !known.has(metric)),
      name,
    ).toEqual([])
    for (const [, page] of text.matchAll(/\]\((\w+\.md)\)/g)) expect(existsSync(`${root}docs/runbooks/${page}`), page).toBe(true)
  }
})
