/** The bill of materials of what is installed to run Lapwing, in CycloneDX 1.6. The same lockfile gives the same bytes: no time, no number of its own. */
import { Contrib, Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library'
import type { LockedDependencies } from './locked-dependencies.ts'
import type { LicensedPackage } from './supply-chain.ts'

export interface Materials {
  /** Of Lapwing. */
  readonly version: string
  /** What `pnpm licenses list --prod --json` says. */
  readonly byLicence: Readonly<Record<string, readonly LicensedPackage[]>>
  /** Digest of `name@version` as the lockfile has it, such as `sha512-…` in base64; undefined where it has none. */
  integrityOf(id: string): string | undefined
  readonly dependencies: LockedDependencies
}

export function sbomOf({ version, byLicence, integrityOf, dependencies }: Materials): string {
  const bom = new Models.Bom()
  const lapwing = new Models.Component(Enums.ComponentType.Application, 'lapwing', { version, bomRef: 'lapwing' })
  lapwing.licenses.add(new Models.SpdxLicense('Apache-2.0'))
  bom.metadata.component = lapwing
  for (const [licence, packages] of Object.entries(byLicence)) {
    for (const { name, versions } of packages) {
      for (const one of versions) bom.components.add(componentOf(name, one, licence, integrityOf(`${name}@${one}`)))
    }
  }
  joinByDependencies(bom, dependencies)
  const normalizer = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6)
  return `${new Serialize.JsonSerializer(normalizer).serialize(bom, { sortLists: true, space: 2 })}\n`
}

/** A component without an edge would say of itself that it needs nothing. What is not installed, for another system, is left out. */
function joinByDependencies({ components, metadata }: Models.Bom, { direct, of }: LockedDependencies): void {
  const byId = new Map([...components].map((component) => [`${component.name}@${component.version}`, component]))
  const join = (from: Models.Component, ids: Iterable<string>) => {
    for (const id of ids) {
      const to = byId.get(id)
      if (to) from.dependencies.add(to.bomRef)
    }
  }
  join(metadata.component!, direct)
  for (const [id, component] of byId) join(component, of.get(id) ?? [])
}

const licences = new Contrib.License.Factories.LicenseFactory()

function componentOf(name: string, version: string, licence: string, integrity: string | undefined): Models.Component {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  const component = new Models.Component(Enums.ComponentType.Library, name, { version, purl, bomRef: purl })
  component.licenses.add(/\s/.test(licence) ? new Models.LicenseExpression(licence) : licences.makeFromString(licence))
  const [, digest] = integrity?.match(/^sha512-(.+)$/) ?? []
  if (digest) component.hashes.set(Enums.HashAlgorithm['SHA-512'], Buffer.from(digest, 'base64').toString('hex'))
  return component
}
