/** The Helm chart: by Helm itself, by Kubernetes' schemas, and by the services that are to read what it writes. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { allSections } from '@lapwing/cli/all-config'
import { loadConfig } from '@lapwing/service/config'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments, stringify } from 'yaml'
import { hasSchemas, schemaFlags } from './schemas.ts'
import { absentTools, findTool } from './tools.ts'

const chart = fileURLToPath(new URL('../../deploy/helm/lapwing/', import.meta.url))
const kubernetes = fileURLToPath(new URL('../../deploy/kubernetes/', import.meta.url))
const newest = '1.37.0'
const valueSets = readdirSync(`${chart}ci`).map((name) => join(chart, 'ci', name))

const withoutHelm = absentTools('the test of the chart', ['helm']).length > 0
const withoutKubeconform = absentTools('the check by schemas', ['kubeconform']).length > 0 || !hasSchemas()
const withoutUnittest = absentTools("the chart's own tests", ['helm-unittest']).length > 0
const withoutDocs = absentTools("the test of the chart's README", ['helm-docs']).length > 0

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: PolicySpec
  readonly data?: Readonly<Record<string, string>>
}

interface PolicySpec {
  readonly ingress?: readonly { readonly ports: readonly { readonly port: number | string }[] }[]
  readonly egress?: readonly { readonly ports: readonly { readonly port: number | string }[] }[]
}

describe.skipIf(withoutHelm)('the chart', () => {
  test.each(valueSets)('passes the strict linter with %s', (values) => {
    expect(helm('lint', '--strict', chart, '--kube-version', newest, '--values', values)).toContain('0 chart(s) failed')
  })

  test.skipIf(withoutKubeconform).each(['1.28.0', newest])(
    'is made of valid objects on Kubernetes %s, with each set of values',
    (version) => {
      const folder = mkdtempSync(join(tmpdir(), 'lapwing-chart-'))
      const files = valueSets.map((values) => join(folder, basename(values)))
      for (const [index, file] of files.entries()) writeFileSync(file, render(valueSets[index]!, version))
      const answer = JSON.parse(run(findTool('kubeconform')!, [...schemaFlags(version), '-summary', '-output', 'json', ...files]))
      rmSync(folder, { recursive: true })
      expect(answer.summary).toMatchObject({ invalid: 0, errors: 0, skipped: 0 })
      expect(answer.summary.valid).toBeGreaterThan(100)
    },
  )

  test.each(valueSets)('writes a configuration that the services take with %s', (values) => {
    const folder = mkdtempSync(join(tmpdir(), 'lapwing-chart-'))
    const file = join(folder, 'lapwing.yaml')
    const text = manifests(render(values, newest)).find(({ data }) => data?.['lapwing.yaml'])!.data!['lapwing.yaml']!
    // The files that it names are in the pod.
    writeFileSync(file, text.replaceAll(/\/etc\/tls\/tls\.\w+/g, file))
    const config = loadConfig(allSections, { file, environment: {}, sets: [] })
    rmSync(folder, { recursive: true })
    expect(['0.0.0.0', '::']).toContain(config.http.host)
    expect(config.kafka.brokers.length).toBeGreaterThan(0)
  })

  test('lets through the data flow and nothing else', () => {
    const policies = manifests(render(`${chart}ci/production-values.yaml`, newest)).filter(({ kind }) => kind === 'NetworkPolicy')
    const flows = policies.map(({ metadata, spec }) => {
      const ports = (rules: PolicySpec['ingress']) => (rules ?? []).map((rule) => rule.ports.map(({ port }) => port).join('+'))
      return `${metadata.name}: in ${ports(spec.ingress).join(', ') || 'nothing'}; out ${ports(spec.egress).join(', ') || 'nothing'}`
    })
    expect(flows.sort()).toEqual([
      'lw-lapwing-alerter: in http, http; out 9093, 443',
      'lw-lapwing-detector: in http; out nothing',
      'lw-lapwing-drift: in http; out nothing',
      'lw-lapwing-ingestor: in http, https; out 9090',
      'lw-lapwing-pods: in http; out 443+6443',
      'lw-lapwing-reporter: in http, http; out 9090',
      'lw-lapwing-test: in nothing; out http',
      'lw-lapwing-trainer: in http; out nothing',
      // For all of them: names, and the brokers.
      'lw-lapwing: in nothing; out 53+53, 9092+9093',
    ])
  })

  test.skipIf(withoutUnittest)('passes its own tests', () => {
    expect(run(findTool('helm-unittest')!, ['--file', 'tests/*_test.yaml', chart])).toMatch(/Charts: +1 passed/)
  })

  test.skipIf(withoutDocs)('has a README made from the comments of its values', async () => {
    const readme = run(findTool('helm-docs')!, ['--chart-search-root', chart, '--dry-run', '--log-level', 'error'])
    await expect(`${readme.trim()}\n`).toMatchFileSnapshot(`${chart}README.md`)
  })

  test('is what deploy/kubernetes holds, rendered', async () => {
    const note = '# Rendered from deploy/helm/lapwing with values.yaml beside this file; a test compares them. Do not edit.\n'
    const objects = manifests(render(`${kubernetes}values.yaml`, newest)).filter(
      ({ metadata }) => !metadata.annotations?.['helm.sh/hook'],
    )
    const isNamespace = ({ kind }: Manifest) => kind === 'Namespace'
    const own = objects
      .filter((one) => !isNamespace(one))
      .map((one) => ({ ...one, metadata: { ...one.metadata, namespace: 'lapwing' } }))
    const documents = [...objects.filter(isNamespace), ...own].map((one) => stringify(one, { lineWidth: 0 }))
    expect(documents.length).toBeGreaterThan(20)
    await expect(`${note}---\n${documents.join('---\n')}`).toMatchFileSnapshot(`${kubernetes}lapwing.yaml`)
  })
})

function helm(...args: string[]): string {
  return run(findTool('helm')!, args)
}

function render(values: string, version: string): string {
  return helm('template', 'lw', chart, '--namespace', 'metrics', '--kube-version', version, '--values', values)
}

function manifests(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => (document.toJSON() as Manifest | null) ?? [])
}

function run(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 26 })
}
