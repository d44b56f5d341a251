import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, loadConfig } from '@lapwing/service/config'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { allSections } from '../start/all-config.ts'
import { UserError } from '../user-error.ts'
import { configSchema } from './config-schema.ts'
import { explainKey } from './explain-key.ts'
import { checkConfig, printConfig } from './show-config.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lapwing-config-'))
  file = join(folder, 'lapwing.yaml')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('config check', () => {
  test('takes the flat form', () => {
    writeFileSync(file, 'prometheus_url: http://prometheus:9090\nmetrics: ["node_load1"]\nslack_webhook_url: ""\n')
    expect(checkConfig({ config: file, set: [] }, {})).toBe(`${file}: ok, all ${Object.keys(allSections).length} sections\n`)
  })

  test('names file and line of every mistake, in all sections', () => {
    writeFileSync(file, 'detector: {window_minutes: 0}\nreporter:\n  prt: 8080\n')
    const check = () => checkConfig({ config: file, set: [] }, {})
    expect(check).toThrow(ConfigError)
    expect(check).toThrow(/lapwing\.yaml:1: detector\.window_minutes[\s\S]*lapwing\.yaml:3: reporter\.prt: unknown key/)
  })
})

describe('config print', () => {
  test('means the same when it is used as a configuration', () => {
    writeFileSync(file, 'ingestor: {step: 90s, history: 1h30m, presets: [jvm]}\nalerter: {route: {group_wait: 10s}}\n')
    const printed = join(folder, 'printed.yaml')
    writeFileSync(printed, printConfig({ config: file, set: ['drift.enabled=false'] }, {}))
    const read = (path: string, sets: string[]) => JSON.stringify(loadConfig(allSections, { file: path, environment: {}, sets }))
    expect(read(printed, [])).toBe(read(file, ['drift.enabled=false']))
  })

  test('masks what is secret', () => {
    const environment = { LAPWING__ALERTER__SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/canary' }
    const text = printConfig({ config: undefined, set: [] }, environment)
    expect(text).not.toContain('canary')
    expect(text).toContain('slack_webhook_url: "[secret]"')
  })
})

describe('config explain', () => {
  test('tells the value, who set it, the default and what it may be', () => {
    writeFileSync(file, 'window_minutes: 30\n')
    const explained = explainKey('window_minutes', { config: file, set: [] }, {})
    expect(explained).toContain('key        detector.window_minutes\n')
    expect(explained).toMatch(/value +30\n/)
    expect(explained).toMatch(/set by +\S*lapwing\.yaml:1\n/)
    expect(explained).toMatch(/default +60\n/)
    expect(explained).toMatch(/may be +number from 1 to 10080\n/)
    expect(explained).toMatch(/variable +LAPWING__DETECTOR__WINDOW_MINUTES\n/)
  })

  test('says so where nothing was set', () => {
    expect(explainKey('detector.sensitivity', { set: [] }, {})).toMatch(
      /value +"balanced"\nset by +nothing; this is the default\n/,
    )
  })

  test('never shows a secret', () => {
    const environment = { LAPWING__ALERTER__SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/canary' }
    expect(explainKey('slack_webhook_url', { set: [] }, environment)).not.toContain('canary')
  })

  test('names the keys there are', () => {
    expect(() => explainKey('detector.window', { set: [] }, {})).toThrow(UserError)
    expect(() => explainKey('detector.window', { set: [] }, {})).toThrow(
      /unknown key; expected one of .*detector\.window_minutes/,
    )
    expect(() => explainKey('constructor.name', { set: [] }, {})).toThrow(UserError)
  })
})

test('config schema has every section and the flat form, and refuses other keys', () => {
  const { properties, additionalProperties } = configSchema() as {
    properties: Record<string, object>
    additionalProperties: boolean
  }
  expect(additionalProperties).toBe(false)
  expect(Object.keys(properties)).toEqual(
    expect.arrayContaining([...Object.keys(allSections), 'prometheus_url', 'run_interval_seconds']),
  )
  expect(properties.window_minutes).toMatchObject({ type: 'number', minimum: 1, maximum: 10_080 })
})
