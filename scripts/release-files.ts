/** The files that a release changes: packages, chart, rendered manifests, examples and the changelog. */

/** Why there can be no such release. */
export class VersionError extends Error {}

/** Files besides `package.json` of every package that name the version, and nothing else by the same digits. */
const placesOfVersion = [
  'deploy/airflow/README.md',
  'deploy/airflow/lapwing_commands.py',
  'deploy/helm/lapwing/Chart.yaml',
  'deploy/helm/lapwing/README.md',
  'deploy/kubernetes/lapwing.yaml',
  'deploy/kubernetes/values.yaml',
  'libs/service/src/version.ts',
]

/**
 * The new text of each file that changes. Throws a VersionError when the version is none, is not newer than the one before, or has nothing that is
 * unreleased; a file that does not name the version that it should is an error of its own, because then it would be forgotten.
 *
 * @param named files of the repository
 */
export function released(named: readonly string[], read: (file: string) => string, version: string): Map<string, string> {
  const { version: before } = JSON.parse(read('package.json')) as { version: string }
  if (!isNewer(version, before)) throw new VersionError(`expected a version after ${before}, such as 1.2.3; found "${version}"`)
  const edits = new Map([['CHANGELOG.md', changelogOf(read('CHANGELOG.md'), version)]])
  for (const file of named.filter((each) => /(^|\/)package\.json$/.test(each))) {
    edits.set(file, replaced(file, read(file), `"version": "${before}"`, `"version": "${version}"`))
  }
  for (const file of placesOfVersion) edits.set(file, replaced(file, read(file), before, version))
  return edits
}

function replaced(file: string, text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`${file} does not have ${from}`)
  return text.replaceAll(from, to)
}

function changelogOf(text: string, version: string): string {
  const [, unreleased] = text.match(/^## Unreleased\n([\s\S]*?)(?=^## |$(?![\s\S]))/m) ?? []
  if (!unreleased?.trim()) throw new VersionError('CHANGELOG.md has nothing under "## Unreleased"')
  return text.replace('## Unreleased\n', `## Unreleased\n\n## ${version}\n`)
}

/** By the numbers; there are no versions before a release. */
function isNewer(version: string, before: string): boolean {
  if (!/^\d+\.\d+\.\d+$/.test(version)) return false
  return version.localeCompare(before, 'en', { numeric: true }) > 0
}
