/** Writes the bill of materials to standard output: `node_modules/.bin/tsx scripts/write-sbom.ts > lapwing.cdx.json`. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { readArguments } from './arguments.mjs'
import { type Lockfile, lockedDependencies } from './locked-dependencies.ts'
import { sbomOf } from './sbom.ts'

readArguments(
  'node_modules/.bin/tsx scripts/write-sbom.ts > lapwing.cdx.json: writes the bill of materials. It takes no arguments.',
)

const root = fileURLToPath(new URL('../', import.meta.url))
const { packageManager, version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
const listing = spawnSync('npx', ['-y', packageManager, 'licenses', 'list', '--prod', '--json'], {
  ...{ cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 },
})
if (listing.status !== 0) throw new Error(`pnpm licenses list: ${listing.stderr}`)
const lockfile = parse(readFileSync(`${root}pnpm-lock.yaml`, 'utf8')) as Lockfile & {
  packages: Readonly<Record<string, { readonly resolution?: { readonly integrity?: string } }>>
}
const integrityOf = (id: string) => lockfile.packages[id]?.resolution?.integrity
const dependencies = lockedDependencies(lockfile)
process.stdout.write(sbomOf({ version, byLicence: JSON.parse(listing.stdout), integrityOf, dependencies }))
