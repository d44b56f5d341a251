/** What depends on what, from the lockfile of pnpm. Which copy a package gets for its peers does not matter here: a version stands for all of its copies. */

/** The parts of a lockfile (version 9) that are read. */
export interface Lockfile {
  readonly importers: Readonly<Record<string, Wanted<{ readonly version: string }>>>
  readonly snapshots: Readonly<Record<string, Wanted<string>>>
}

interface Wanted<Version> {
  readonly dependencies?: Readonly<Record<string, Version>>
  readonly optionalDependencies?: Readonly<Record<string, Version>>
}

export interface LockedDependencies {
  /** `name@version` of what runs because a package of this repository names it, not for development only. */
  readonly direct: ReadonlySet<string>
  /** `name@version` of what a package names, by its own. */
  readonly of: ReadonlyMap<string, ReadonlySet<string>>
}

export function lockedDependencies({ importers, snapshots }: Lockfile): LockedDependencies {
  const named = Object.values(importers).flatMap((importer) => idsOf(importer, ({ version }) => version))
  const of = new Map<string, Set<string>>()
  for (const [copy, wanted] of Object.entries(snapshots)) {
    const id = withoutPeers(copy)
    of.set(id, new Set([...(of.get(id) ?? []), ...idsOf(wanted, (version) => version)]))
  }
  return { direct: new Set(named), of }
}

/** Packages of this repository are left out: they are what is described. */
function idsOf<Version>({ dependencies, optionalDependencies }: Wanted<Version>, versionOf: (of: Version) => string): string[] {
  return Object.entries({ ...dependencies, ...optionalDependencies }).flatMap(([name, wanted]) => {
    const version = withoutPeers(versionOf(wanted))
    if (version.startsWith('link:')) return []
    return [isAlias(version) ? version : `${name}@${version}`]
  })
}

/** `7.0.0(react@19.0.0)` is version 7.0.0, installed beside that. */
function withoutPeers(copy: string): string {
  return copy.replace(/\(.*$/, '')
}

/** Installed under another name than its own: the version then has the name in it. */
function isAlias(version: string): boolean {
  return version.lastIndexOf('@') > 0
}
