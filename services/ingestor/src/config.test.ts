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
      metrics: ['node_load1', 'rate(x_total[5m])'],
      step: { ms: 60_000 },
      poll_interval: { ms: 30_000 },
    })
  })

  test('a bearer token does not show when the configuration is printed', () => {
    expect(JSON.stringify(load('ingestor.prometheus_bearer_token=hunter2'))).not.toContain('hunter2')
  })

  test('mistakes are named with their key', () => {
    expect(() => load('ingestor.step=soon')).toThrow(/ingestor\.step: expected a duration/)
    expect(() => load('ingestor.stepp=15s')).toThrow(/ingestor\.stepp: unknown key/)
    expect(() => load('ingestor.prometheus_url=prometheus:9090')).toThrow(/prometheus_url: expected an address/)
  })
})
