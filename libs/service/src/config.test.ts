import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ConfigError, commonSections, loadConfig } from './config.ts'
import { duration, httpUrl, Secret, secret } from './config-fields.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

const sections = {
  ...commonSections,
  ingestor: z
    .strictObject({
      prometheus_url: httpUrl().optional(),
      metrics: z.array(z.string().min(1)).default(['up']),
      step: duration().prefault('15s'),
      poll_interval: duration().prefault('15s'),
    })
    .prefault({}),
  detector: z
    .strictObject({
      window_minutes: z.number().positive().default(60),
      contamination: z.number().default(0.01),
      model_path: z.string().default(''),
    })
    .prefault({}),
  drift: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
  alerter: z
    .strictObject({ slack_webhook_url: secret().default(new Secret('')), alertmanager_url: httpUrl().optional() })
    .prefault({}),
  reporter: z.strictObject({ output_csv: z.string().default('') }).prefault({}),
}

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const load = (path?: string, environment: Record<string, string> = {}, sets: string[] = [], profile?: string) =>
  loadConfig(sections, { file: path, environment, sets, profile })

function problemsOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return ''
}

const flat = `prometheus_url: http://prometheus:9090
metrics: ["node_load1", "rate(http_requests_total[5m])"]
contamination: 0.01
window_minutes: 60
model_path: models/
step: "60s"
slack_webhook_url: ""
alertmanager_url: http://alertmanager:9093
output_csv: results.csv
drift_detection: true
run_interval_seconds: 60
`

describe('configuration', () => {
  test('the flat form works as it stands, in YAML and in JSON', () => {
    const config = load(file('flat.yaml', flat))
    expect(config.ingestor).toEqual({
      prometheus_url: 'http://prometheus:9090',
      metrics: ['node_load1', 'rate(http_requests_total[5m])'],
      step: { ms: 60_000 },
      poll_interval: { ms: 60_000 },
    })
    expect(config.alerter.alertmanager_url).toBe('http://alertmanager:9093')
    expect(config.reporter.output_csv).toBe('results.csv')
    expect(load(file('flat.json', '{"window_minutes": 30}')).detector.window_minutes).toBe(30)
  })

  test('an empty configuration works', () => {
    expect(load().kafka).toEqual({ brokers: [], topic_prefix: 'lapwing', partitions: 8 })
  })

  test('later layers win: file, profile, environment, flags', () => {
    const path = file('layers.yaml', 'detector:\n  window_minutes: 1\n  contamination: 0.02\nkafka:\n  partitions: 3\n')
    file('layers.prod.yaml', 'detector:\n  window_minutes: 2\nkafka:\n  topic_prefix: prod\n')
    expect(load(path, {}, [], 'prod').detector.window_minutes).toBe(2)
    expect(load(path, {}, [], 'prod').kafka).toEqual({ brokers: [], topic_prefix: 'prod', partitions: 3 })
    expect(load(path, { LAPWING__DETECTOR__WINDOW_MINUTES: '3' }, [], 'prod').detector.window_minutes).toBe(3)
    expect(
      load(path, { LAPWING__DETECTOR__WINDOW_MINUTES: '3' }, ['detector.window_minutes=4'], 'prod').detector.window_minutes,
    ).toBe(4)
    expect(load(path, { KAFKA_BROKERS: 'a:9092, b:9093' }).kafka.brokers).toEqual(['a:9092', 'b:9093'])
  })

  test('a wrong value is told with file, line, key, what was expected and what was found', () => {
    const path = file('wrong.yaml', '# comment\ndetector:\n  window_minutes: soon\n')
    expect(problemsOf(() => load(path))).toBe(`${path}:3: detector.window_minutes: expected number; found "soon"`)
    const step = file('step.yaml', 'metrics: [up]\nstep: fast\n')
    expect(problemsOf(() => load(step))).toBe(
      `${step}:2: ingestor.step: expected a duration such as 15s, 5m or 1h30m; found "fast"`,
    )
    const url = file('url.yaml', 'prometheus_url: ftp://x\n')
    expect(problemsOf(() => load(url))).toContain(`${url}:1: ingestor.prometheus_url: expected an address such as`)
  })

  test('an element of a list is named with its own line', () => {
    const path = file('list.yaml', 'metrics:\n  - up\n  - ""\n')
    expect(problemsOf(() => load(path))).toContain(`${path}:3: ingestor.metrics.1: `)
  })

  test('so is a key of an object in a list', () => {
    const path = file('objects.yaml', 'metrics:\n  - up\n  - query: up\n    direction: sideways\n')
    const schema = z.object({
      metrics: z.array(z.unknown()).refine(() => false, { path: [1, 'direction'], message: 'expected up' }),
    })
    expect(problemsOf(() => loadConfig({ ingestor: schema }, { file: path, environment: {}, sets: [] }))).toBe(
      `${path}:4: ingestor.metrics.1.direction: expected up; found "sideways"`,
    )
  })

  test('an unknown key is refused where it stands, at the top and in a section', () => {
    const path = file('unknown.yaml', 'detecter:\n  x: 1\ndetector:\n  windw: 5\n')
    const problems = problemsOf(() => load(path))
    expect(problems).toContain(`${path}:1: detecter: unknown key; expected one of kafka,`)
    expect(problems).toContain(`${path}:4: detector.windw: unknown key; expected one of `)
  })

  test('an unknown key deep in a list or in a tree that refers to itself is told what may stand there', () => {
    const route: z.ZodType = z.strictObject({
      receiver: z.string().optional(),
      get routes() {
        return z.array(route).default([])
      },
    })
    const schema = z.strictObject({
      route,
      named: z.record(z.string(), z.strictObject({ url: z.string().optional() })).default({}),
    })
    const path = file(
      'deep.yaml',
      'alerter:\n  route:\n    routes:\n      - routes:\n          - reciever: a\n  named:\n    one: {adress: a}\n',
    )
    const problems = problemsOf(() => loadConfig({ alerter: schema }, { file: path, environment: {}, sets: [] }))
    expect(problems.split('\n')).toEqual([
      `${path}:5: alerter.route.routes.0.routes.0.reciever: unknown key; expected one of receiver, routes`,
      `${path}:7: alerter.named.one.adress: unknown key; expected one of url`,
    ])
  })

  test('a well-known variable that is empty is not set', () => {
    expect(load(undefined, { KAFKA_BROKERS: '' }).kafka.brokers).toEqual([])
  })

  test('all problems are told at once, and those of environment and flags name them', () => {
    const problems = problemsOf(() =>
      load(undefined, { LAPWING__DETECTOR__WINDOW_MINUTES: '-1' }, ['kafka.partitions=0', 'nonsense']),
    )
    expect(problems).toContain('environment variable LAPWING__DETECTOR__WINDOW_MINUTES: detector.window_minutes: ')
    expect(problems).toContain('flag --set kafka.partitions: kafka.partitions: ')
    expect(problems).toContain('flag --set nonsense: expected section.key=value')
  })

  test('YAML that does not parse is told with its line, and a missing file by name', () => {
    const path = file('broken.yaml', 'a: 1\nb: [1, 2\n')
    expect(problemsOf(() => load(path))).toMatch(new RegExp(`${path}:\\d+: not valid YAML or JSON`))
    expect(problemsOf(() => load(join(folder, 'absent.yaml')))).toContain('absent.yaml: there is no such file')
  })

  test('the result cannot be changed', () => {
    expect(() => {
      ;(load().kafka as { partitions: number }).partitions = 1
    }).toThrow(TypeError)
  })

  test('a secret does not print', () => {
    const { slack_webhook_url: webhook } = load(file('secret.yaml', 'slack_webhook_url: https://hooks.example/T0/abc\n')).alerter
    expect(`${webhook} ${JSON.stringify({ webhook })} ${inspect({ webhook })}`).not.toContain('abc')
    expect(webhook.reveal()).toBe('https://hooks.example/T0/abc')
  })

  test('prototype keys in a file do not reach the configuration', () => {
    const path = file('proto.yaml', '__proto__:\n  polluted: true\n')
    expect(problemsOf(() => load(path))).toContain('__proto__: unknown key')
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})
