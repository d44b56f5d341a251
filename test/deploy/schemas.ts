/**
 * Schemas of Kubernetes' own objects and of the custom ones that the chart makes, as kubeconform wants them.
 *
 * Kubernetes' come with the Python package kubernetes-validate, whose files name addresses in the network; the custom ones are the definitions in the
 * modules of the Prometheus operator and of KEDA. Both are put there by `scripts/deploy-tools.mjs`.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { toolsFolder } from './tools.ts'

const packageFolder = join(toolsFolder, 'schemas')
const definitionsFolder = join(toolsFolder, 'crds')

/** Whether both are there. */
export function hasSchemas(): boolean {
  return existsSync(packageFolder) && existsSync(definitionsFolder)
}

/** Arguments that let kubeconform check against this version, such as `1.28.0`, without a network. */
export function schemaFlags(version: string): string[] {
  const folder = join(toolsFolder, 'kubeconform-schemas')
  const target = join(folder, `v${version}-standalone-strict`)
  if (!existsSync(target)) convertPackage(version, target)
  const custom = join(folder, 'custom')
  if (!existsSync(custom)) convertDefinitions(custom)
  return [
    ...['-strict', '-kubernetes-version', version, '-schema-location', folder],
    ...['-schema-location', join(custom, '{{.ResourceKind}}-{{.ResourceAPIVersion}}.json')],
  ]
}

function convertPackage(version: string, target: string): void {
  const python = readdirSync(join(packageFolder, 'lib'))[0]!
  const all = join(packageFolder, 'lib', python, 'site-packages/kubernetes_validate/kubernetes-json-schema')
  const source = join(all, `v${version}-local-strict`)
  mkdirSync(target, { recursive: true })
  for (const name of readdirSync(source)) {
    const schema = JSON.parse(readFileSync(join(source, name), 'utf8'), (key, value) =>
      key === '$ref' && typeof value === 'string' ? value.replace(/^.*_definitions\.json/, '_definitions.json') : value,
    )
    delete schema.$id
    writeFileSync(join(target, name), JSON.stringify(schema))
  }
}

interface Definition {
  readonly kind: string
  readonly spec: {
    readonly names: { readonly kind: string }
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: object } }[]
  }
}

function convertDefinitions(target: string): void {
  mkdirSync(target, { recursive: true })
  for (const name of readdirSync(definitionsFolder)) {
    for (const document of parseAllDocuments(readFileSync(join(definitionsFolder, name), 'utf8'))) {
      const { kind, spec } = document.toJSON() as Definition
      if (kind !== 'CustomResourceDefinition') continue
      for (const { name: version, schema } of spec.versions) {
        writeFileSync(
          join(target, `${spec.names.kind.toLowerCase()}-${version}.json`),
          JSON.stringify(closed(schema.openAPIV3Schema)),
        )
      }
    }
  }
}

/** An API server refuses a field that the definition does not have; JSON Schema has to be told so. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  const isOpen = 'x-kubernetes-preserve-unknown-fields' in inner || 'additionalProperties' in inner
  return inner.type === 'object' && 'properties' in inner && !isOpen ? { ...inner, additionalProperties: false } : inner
}
