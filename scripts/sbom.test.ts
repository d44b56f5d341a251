import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Spec, Validation } from '@cyclonedx/cyclonedx-library'
import { describe, expect, test } from 'vitest'
import { lockedDependencies } from './locked-dependencies.ts'
import { sbomOf } from './sbom.ts'

const digest = Buffer.alloc(64, 7)
const materials = {
  version: '1.2.3',
  byLicence: {
    MIT: [{ name: '@scope/one', versions: ['1.0.0', '2.0.0'] }],
    '(BSD-3-Clause AND Apache-2.0)': [{ name: 'two', versions: ['3.0.0'] }],
    Unknown: [{ name: 'three', versions: ['4.0.0'] }],
  },
  integrityOf: (id: string) => (id === 'two@3.0.0' ? `sha512-${digest.toString('base64')}` : undefined),
  dependencies: lockedDependencies({
    importers: {
      '.': { dependencies: { two: { version: '3.0.0(three@4.0.0)' }, '@lapwing/own': { version: 'link:../own' } } },
      own: { dependencies: { '@scope/one': { version: '2.0.0' } } },
    },
    snapshots: {
      'two@3.0.0(three@4.0.0)': { dependencies: { '@scope/one': '1.0.0', three: '4.0.0' } },
      '@scope/one@1.0.0': { optionalDependencies: { 'for-another-system': '1.0.0', renamed: 'three@4.0.0' } },
    },
  }),
}

/** The JSON Schema of CycloneDX, with formats and licence names: null, or what is wrong. */
const complaintsOf = (bom: string) => new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(bom)

describe('the bill of materials', () => {
  const bom = JSON.parse(sbomOf(materials))

  test('is CycloneDX, and says what it is of', () => {
    expect(bom).toMatchObject({
      ...{ bomFormat: 'CycloneDX', specVersion: '1.6' },
      metadata: { component: { name: 'lapwing', version: '1.2.3', licenses: [{ license: { id: 'Apache-2.0' } }] } },
    })
  })

  test('has each version of each package, with licence, package address and digest', () => {
    const purls = bom.components.map(({ purl }: { purl: string }) => purl)
    expect(purls.sort()).toEqual([
      ...['pkg:npm/%40scope/one@1.0.0', 'pkg:npm/%40scope/one@2.0.0', 'pkg:npm/three@4.0.0', 'pkg:npm/two@3.0.0'],
    ])
    const two = bom.components.find(({ name }: { name: string }) => name === 'two')
    expect(two).toMatchObject({
      licenses: [{ expression: '(BSD-3-Clause AND Apache-2.0)' }],
      hashes: [{ alg: 'SHA-512', content: digest.toString('hex') }],
    })
    const three = bom.components.find(({ name }: { name: string }) => name === 'three')
    expect(three.licenses).toEqual([{ license: { name: 'Unknown' } }])
  })

  test('says what depends on what, of what is installed', () => {
    const edges = bom.dependencies.map(({ ref, dependsOn = [] }: { ref: string; dependsOn?: string[] }) => [ref, ...dependsOn])
    expect(edges).toEqual([
      ['lapwing', 'pkg:npm/%40scope/one@2.0.0', 'pkg:npm/two@3.0.0'],
      ['pkg:npm/%40scope/one@1.0.0', 'pkg:npm/three@4.0.0'],
      ['pkg:npm/%40scope/one@2.0.0'],
      ['pkg:npm/three@4.0.0'],
      ['pkg:npm/two@3.0.0', 'pkg:npm/%40scope/one@1.0.0', 'pkg:npm/three@4.0.0'],
    ])
  })

  test('is valid by the schema of CycloneDX, which finds what is not', async () => {
    expect(await complaintsOf(sbomOf(materials))).toBeNull()
    expect(await complaintsOf(sbomOf(materials).replace('"Apache-2.0"', '"Apache 2"'))).not.toBeNull()
    expect(await complaintsOf(sbomOf(materials).replace('"library"', '"libary"'))).not.toBeNull()
  })

  test('of this tree is valid, and every package in it is reached from Lapwing', async () => {
    const root = fileURLToPath(new URL('../', import.meta.url))
    const written = execFileSync(process.execPath, ['--import', 'tsx', 'scripts/write-sbom.ts'], {
      ...{ cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 },
    })
    expect(await complaintsOf(written)).toBeNull()
    const { components, dependencies } = JSON.parse(written) as {
      components: readonly { 'bom-ref': string }[]
      dependencies: readonly { ref: string; dependsOn?: readonly string[] }[]
    }
    expect(components.length).toBeGreaterThan(100)
    const needs = new Map(dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]))
    const reached = new Set(['lapwing'])
    for (const ref of reached) for (const needed of needs.get(ref) ?? []) reached.add(needed)
    expect(components.map((component) => component['bom-ref']).filter((ref) => !reached.has(ref))).toEqual([])
  }, 120_000)

  test('is the same bytes for the same materials', () => {
    expect(sbomOf({ ...materials, byLicence: Object.fromEntries(Object.entries(materials.byLicence).reverse()) })).toBe(
      sbomOf(materials),
    )
  })
})
