import { commonSections, loadConfig } from '@lapwing/service/config'
import { describe, expect, test } from 'vitest'
import { ingestorSchema } from './config.ts'

const load = (...sets: string[]) =>
  loadConfig({ ...commonSections, ingestor: ingestorSchema }, { environment: {}, sets }).ingestor

describe('configuration of the ingestor', () => {
  test('nothing configured is a receiver that polls nobody', () => {
    const config = load()
    expect(config.prometheus_url).toBeUndefined()
    expect(config.remote_write.enabled).toBe(true)
    expect(config).toMatchObject({ port: 8081, step: { ms: 15_000 }, entity_by: ['instance'] })
  })

  test('an empty address is none', () => {
    expect(load('ingestor.prometheus_url=""').prometheus_url).toBeUndefined()
  })

  test('the flat form works as it stands', () => {
    const flat = load(
      'prometheus_url=http://prometheus:9090/',
      'metrics=["node_load1", "rate(x_total[5m])"]',
      'step=60s',
      'run_interval_seconds=30',
    )
    expect(flat).toMatchObject({
      prometheus_url: 'http://prometheus:9090',
      metrics: [{ query: 'node_load1' }, { query: 'rate(x_total[5m])' }],
      step: { ms: 60_000 },
      poll_interval: { ms: 30_000 },
    })
  })

  test('a bearer token does not show when the configuration is printed', () => {
    expect(JSON.stringify(load('ingestor.prometheus_bearer_token=hunter2'))).not.toContain('hunter2')
  })

  test('a secret does not show in the mistake about it either', () => {
    expect(() => load('ingestor.prometheus_bearer_token=4711')).toThrow(/expected text in quotes; found "\[secret\]"/)
    expect(() => load('ingestor.prometheus_bearer_token=4711')).not.toThrow(/4711/)
  })

  test.each([
    [
      'metrics=[{"query": "up", "direction": "sideways"}]',
      /ingestor\.metrics\.0\.direction: .*"up"\|"down"\|"both".*found "sideways"/,
    ],
    ['metrics=[{"query": "up", "mindeviation": 1}]', /ingestor\.metrics\.0\.mindeviation: unknown key/],
    ['metrics=["up", ""]', /ingestor\.metrics\.1\.query: expected PromQL; found ""/],
    ['metrics=[7]', /ingestor\.metrics\.0: .*expected object.*found 7/],
    ['presets=["nod-exporter"]', /ingestor\.presets\.0: expected one of node-exporter, .*; found "nod-exporter"/],
    [
      'prometheus_access.bearer_token_file=/nowhere',
      /prometheus_access\.bearer_token_file: expected a file that can be read \(ENOENT\)/,
    ],
    ['prometheus_access.basic_auth={"username": "me"}', /basic_auth: expected password or password_file/],
    [
      'prometheus_access={"bearer_token": "a", "basic_auth": {"username": "b", "password": "c"}}',
      /expected only one of bearer_token/,
    ],
  ])('%s', (set, message) => {
    expect(() => load(`ingestor.${set}`)).toThrow(message)
  })

  test('mistakes are named with their key', () => {
    expect(() => load('ingestor.step=soon')).toThrow(/ingestor\.step: expected a duration/)
    expect(() => load('ingestor.stepp=15s')).toThrow(/ingestor\.stepp: unknown key/)
    expect(() => load('ingestor.prometheus_url=prometheus:9090')).toThrow(/prometheus_url: expected an address/)
  })
})
