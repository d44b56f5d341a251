/** Writes the bill of materials to standard output: `node_modules/.bin/tsx scripts/write-sbom.ts > lapwing.cdx.json`. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { sbomOf } from './sbom.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const { packageManager, version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
const listing = spawnSync('npx', ['-y', packageManager, 'licenses', 'list', '--prod', '--json'], {
  ...{ cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 },
})
if (listing.status !== 0) throw new Error(`pnpm licenses list: ${listing.stderr}`)
const { packages } = parse(readFileSync(`${root}pnpm-lock.yaml`, 'utf8')) as {
  packages: Readonly<Record<string, { readonly resolution?: { readonly integrity?: string } }>>
}
const integrityOf = (id: string) => packages[id]?.resolution?.integrity
process.stdout.write(sbomOf({ version, byLicence: JSON.parse(listing.stdout), integrityOf }))
