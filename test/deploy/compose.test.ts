/** `deploy/compose.yaml`: read by Compose itself, with each mounted configuration checked by the program that it is for. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { allSections } from '@lapwing/cli/all-config'
import { loadConfig } from '@lapwing/service/config'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { absentTools, findTool } from './tools.ts'

const deploy = fileURLToPath(new URL('../../deploy/', import.meta.url))
const file = `${deploy}compose.yaml`

interface ComposeService {
  readonly image?: string
  readonly command?: readonly string[]
  readonly volumes?: readonly string[]
}

test.skipIf(absentTools('the test of compose.yaml', ['docker-compose']).length > 0)('Compose takes the file', () => {
  // The Compose that Debian has is older than the key that names the project.
  const input = readFileSync(file, 'utf8').replace(/^name: .*$/m, '')
  const read = execFileSync(findTool('docker-compose')!, ['-f', '-', 'config'], { input, cwd: deploy })
  const { services } = parse(String(read)) as { services: Record<string, ComposeService> }
  const lapwings = Object.values(services).filter(({ image }) => image === 'lapwing:local')
  expect(lapwings.map(({ command }) => command?.[0]).sort()).toEqual([
    ...['alerter', 'detector', 'drift', 'ingestor', 'reporter', 'trainer'],
  ])
  const mounted = Object.values(services).flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':')[0]!))
  const files = mounted.filter((path) => /\.ya?ml$/.test(path))
  expect(files.length).toBeGreaterThan(5)
  expect(files.filter((path) => !existsSync(path))).toEqual([])
})

test('Lapwing takes its configuration, and reads Prometheus and Alertmanager by their names in the network', () => {
  const config = loadConfig(allSections, { file: `${deploy}compose/lapwing.yaml`, environment: {}, sets: [] })
  expect(config.ingestor.prometheus_url).toBe('http://prometheus:9090')
  expect(config.alerter.alertmanager_url).toBe('http://alertmanager:9093')
  expect(config.http.host).toBe('0.0.0.0')
})

test.skipIf(absentTools('the test of compose/prometheus.yaml', ['promtool']).length > 0)(
  'Prometheus takes its configuration',
  () => {
    expect(run(findTool('promtool')!, ['check', 'config', `${deploy}compose/prometheus.yaml`])).toContain('SUCCESS')
  },
)

test.skipIf(absentTools('the test of Alertmanager files', ['amtool']).length > 0)('Alertmanager takes its configurations', () => {
  for (const one of ['compose/alertmanager.yaml', 'alertmanager/alertmanager.yml']) {
    expect(run(findTool('amtool')!, ['check-config', deploy + one]), one).toContain('SUCCESS')
  }
})

function run(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8' })
}
