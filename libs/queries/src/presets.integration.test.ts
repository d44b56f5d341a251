/** What queries of the presets say of a cluster and of servers that are told, as Prometheus' own promtool evaluates them. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { missingPrograms, programs } from '../../../test/servers.ts'

import { readPreset } from './presets.ts'
import { presetNames } from './query-settings.ts'

const missing = missingPrograms(['promtool'])
if (missing.length > 0) console.warn(`skipped: ${missing.join(', ')} not installed`)

const folder = mkdtempSync(join(tmpdir(), 'lapwing-presets-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A series and its values every 15 s, as promtool writes them: `1x40` stays, `0+3x40` rises by 3. */
type Input = readonly [series: string, values: string]
type Expected = Readonly<Record<string, number>>

const pod = (namespace: string, name: string) => `namespace="${namespace}", pod="${name}"`

describe.skipIf(missing.length > 0)('a query of a preset', () => {
  test.each<[name: string, inputs: readonly Input[], expected: Expected]>([
    [
      'http_errors_ratio',
      [
        ['http_requests_total{job="bad", code="200"}', '0+15x40'],
        ['http_requests_total{job="bad", code="503"}', '0+15x40'],
        ['http_requests_total{job="good", code="200"}', '0+15x40'],
        ['http_requests_total{job="other", status="500"}', '0+15x40'],
      ],
      { '{job="bad"}': 0.5, '{job="good"}': 0, '{job="other"}': 1 },
    ],
    [
      'http_server_errors_ratio',
      [
        ['http_server_request_duration_seconds_count{job="bad", http_response_status_code="500"}', '0+15x40'],
        ['http_server_request_duration_seconds_count{job="good", http_response_status_code="200"}', '0+15x40'],
      ],
      { '{job="bad"}': 1, '{job="good"}': 0 },
    ],
    [
      'kube_pods_not_ready',
      [
        [`kube_pod_status_ready{${pod('shop', 'web')}, condition="false"}`, '1x40'],
        [`kube_pod_status_phase{${pod('shop', 'web')}, phase="Running"}`, '1x40'],
        [`kube_pod_status_ready{${pod('shop', 'done')}, condition="false"}`, '1x40'],
        [`kube_pod_status_phase{${pod('shop', 'done')}, phase="Running"}`, '0x40'],
        [`kube_pod_status_phase{${pod('shop', 'done')}, phase="Succeeded"}`, '1x40'],
      ],
      { '{namespace="shop"}': 1 },
    ],
    [
      'kube_containers_oom_killed',
      [
        [`kube_pod_info{${pod('shop', 'web')}}`, '1x40'],
        [`kube_pod_info{${pod('bank', 'web')}}`, '1x40'],
        [`kube_pod_container_status_last_terminated_reason{${pod('shop', 'web')}, container="a", reason="OOMKilled"}`, '1x40'],
      ],
      { '{namespace="shop"}': 1, '{namespace="bank"}': 0 },
    ],
    [
      'kube_cpu_throttled_ratio',
      [
        [`container_cpu_cfs_throttled_periods_total{${pod('shop', 'web')}, container="a"}`, '0+1x40'],
        [`container_cpu_cfs_periods_total{${pod('shop', 'web')}, container="a"}`, '0+4x40'],
      ],
      { '{namespace="shop"}': 0.25 },
    ],
    [
      'kube_deployment_replicas_missing',
      [
        ['kube_deployment_spec_replicas{namespace="shop", deployment="web"}', '3x40'],
        ['kube_deployment_status_replicas_available{namespace="shop", deployment="web"}', '1x40'],
      ],
      { '{namespace="shop", deployment="web"}': 2 },
    ],
  ])('%s', (name, inputs, expected) => {
    const file = join(folder, `${name}.yml`)
    writeFileSync(file, testFile(queryNamed(name), inputs, expected))
    const { status, stdout, stderr } = spawnSync(programs.promtool, ['test', 'rules', file], { encoding: 'utf8' })
    expect(`${stdout}${stderr}`).toContain('SUCCESS')
    expect(status).toBe(0)
  })
})

/** JSON is YAML. */
function testFile(expr: string, inputs: readonly Input[], expected: Expected): string {
  const samples = Object.entries(expected).map(([labels, value]) => ({ labels, value }))
  return JSON.stringify({
    rule_files: [],
    evaluation_interval: '15s',
    tests: [
      {
        interval: '15s',
        input_series: inputs.map(([series, values]) => ({ series, values })),
        promql_expr_test: [{ expr, eval_time: '8m', exp_samples: samples }],
      },
    ],
  })
}

function queryNamed(name: string): string {
  const found = presetNames.flatMap((preset) => readPreset(preset).queries).find((query) => query.name === name)
  return found!.query
}
