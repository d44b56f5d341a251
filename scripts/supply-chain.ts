/** What may be in the dependencies: decisions only; `check-supply.ts` asks pnpm. */

/** Licences under which Lapwing (Apache-2.0) may pass a package on, as pnpm names them. MPL-2.0 binds only its own files, which are not changed. */
export const allowedLicences: ReadonlySet<string> = new Set([
  ...[
    'MIT',
    'MIT-0',
    'ISC',
    '0BSD',
    'BSD-2-Clause',
    'BSD-3-Clause',
    'Apache-2.0',
    'BlueOak-1.0.0',
    'Unlicense',
    'CC0-1.0',
    'Python-2.0',
    'MPL-2.0',
  ],
  ...[
    'MIT OR Apache-2.0',
    'Apache-2.0 AND MIT',
    '(BSD-3-Clause AND Apache-2.0)',
    '(MIT OR Apache-2.0)',
    '(MIT OR CC0-1.0)',
    '(MIT AND Zlib)',
  ],
])

/**
 * Packages whose licence has no name that pnpm knows, and was read: the DejaVu fonts are under Bitstream Vera's licence, which lets them be embedded and passed on.
 */
const licencesRead: ReadonlySet<string> = new Set(['dejavu-fonts-ttf'])

export interface LicensedPackage {
  readonly name: string
  readonly versions: readonly string[]
}

/** Sentences about packages that may not be passed on. @param byLicence what `pnpm licenses list --json` says */
export function licenceProblems(byLicence: Readonly<Record<string, readonly LicensedPackage[]>>): string[] {
  return Object.entries(byLicence)
    .filter(([licence]) => !allowedLicences.has(licence))
    .flatMap(([licence, packages]) =>
      packages
        .filter(({ name }) => !licencesRead.has(name))
        .map(({ name, versions }) => `${name} ${versions.join(', ')} is under ${licence}`),
    )
}

/** The part of what `pnpm audit --json` says that is read. */
export interface AuditReport {
  readonly advisories?: Readonly<
    Record<
      string,
      {
        readonly module_name: string
        readonly severity: string
        readonly title: string
        readonly url: string
        readonly findings: readonly { readonly version: string }[]
      }
    >
  >
  readonly error?: { readonly code: string; readonly message: string }
}

/** An advisory that does not concern us, with the reason; read by people at each release. */
export interface AcceptedAdvisory {
  readonly url: string
  readonly why: string
}

const serious = ['high', 'critical']

/** Sentences about versions with a known hole; undefined when the registry does not tell. */
export function advisoryProblems(
  { advisories, error }: AuditReport,
  accepted: readonly AcceptedAdvisory[],
): string[] | undefined {
  if (error || !advisories) return undefined
  return Object.values(advisories)
    .filter(({ severity, url }) => serious.includes(severity) && !accepted.some((one) => one.url === url))
    .map(
      ({ module_name: name, severity, title, url, findings }) =>
        `${name} ${findings.map(({ version }) => version).join(', ')}: ${severity}: ${title} (${url})`,
    )
}

/** Sentences about packages in the lockfile that are not held to a digest: then nobody knows what will be installed. */
export function lockProblems(
  packages: Readonly<Record<string, { readonly resolution?: { readonly integrity?: string } }>>,
): string[] {
  return Object.entries(packages)
    .filter(([, { resolution }]) => !resolution?.integrity?.startsWith('sha512-'))
    .map(([name]) => `${name} has no sha512 digest in the lockfile`)
}
