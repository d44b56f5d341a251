import { describe, expect, test } from 'vitest'
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
}

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

  test('is the same bytes for the same materials', () => {
    expect(sbomOf({ ...materials, byLicence: Object.fromEntries(Object.entries(materials.byLicence).reverse()) })).toBe(
      sbomOf(materials),
    )
  })
})
