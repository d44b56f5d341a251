import { describe, expect, test } from 'vitest'
import { advisoryProblems, licenceProblems, lockProblems } from './supply-chain.ts'

describe('the gate for dependencies', () => {
  test('lets the licences through that Apache-2.0 goes with, and names the others', () => {
    const packages = [{ name: 'a', versions: ['1.0.0', '2.0.0'] }]
    expect(licenceProblems({ MIT: packages, 'Apache-2.0': packages })).toEqual([])
    expect(licenceProblems({ Unknown: [{ name: 'dejavu-fonts-ttf', versions: ['2.37.3'] }] })).toEqual([])
    expect(licenceProblems({ 'GPL-3.0': packages, Unknown: packages })).toEqual([
      'a 1.0.0, 2.0.0 is under GPL-3.0',
      'a 1.0.0, 2.0.0 is under Unknown',
    ])
  })

  const hole = (severity: string) => ({
    module_name: 'planted',
    severity,
    title: 'it opens the door',
    url: 'https://github.com/advisories/GHSA-1',
    findings: [{ version: '1.2.3' }],
  })

  test('a planted version with a serious hole fails, a minor one and one that people accepted do not', () => {
    const advisories = { '1': hole('high'), '2': hole('moderate') }
    expect(advisoryProblems({ advisories }, [])).toEqual([
      'planted 1.2.3: high: it opens the door (https://github.com/advisories/GHSA-1)',
    ])
    expect(advisoryProblems({ advisories }, [{ url: hole('high').url, why: 'not reachable' }])).toEqual([])
    expect(advisoryProblems({ advisories: {} }, [])).toEqual([])
  })

  test('a registry that does not tell is not one that says all is well', () => {
    expect(advisoryProblems({ error: { code: 'ERR_PNPM_AUDIT_BAD_RESPONSE', message: '405' } }, [])).toBeUndefined()
  })

  test('whatever is not held to a digest is named', () => {
    const good = { resolution: { integrity: 'sha512-abc' } }
    expect(lockProblems({ 'a@1.0.0': good })).toEqual([])
    expect(lockProblems({ 'b@git+ssh://x': {}, 'c@1.0.0': { resolution: { integrity: 'sha1-abc' } } })).toHaveLength(2)
  })
})
