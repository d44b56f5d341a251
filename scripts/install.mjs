/**
 * Installs the workspace when it is not, or when the lockfile has changed since: Node and npm are all a machine needs.
 *
 * pnpm is started through npx at the version that package.json names; the lockfile decides every other version.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)
const stamp = new URL('.cache/installed', root)

export async function ensureInstalled() {
  refuseOldNode()
  const wanted = fingerprint()
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(new URL('node_modules/tsx', root))) return
  process.stderr.write('Installing dependencies (once; later starts skip this) …\n')
  const startMs = performance.now()
  const { packageManager } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  const reporter = process.stderr.isTTY ? [] : ['--reporter=append-only']
  const { status, error } = spawnSync('npx', ['-y', packageManager, 'install', '--frozen-lockfile', ...reporter], {
    cwd: fileURLToPath(root),
    stdio: ['ignore', process.stderr.isTTY ? 'inherit' : 2, 'inherit'],
    shell: process.platform === 'win32',
  })
  if (status !== 0) {
    process.stderr.write(
      `Installation failed${error ? `: ${error.message}` : ''}. Is the npm registry reachable? Try again with: npx ${packageManager} install\n`,
    )
    process.exit(1)
  }
  mkdirSync(new URL('.cache/', root), { recursive: true })
  writeFileSync(stamp, wanted)
  process.stderr.write(`Installed in ${((performance.now() - startMs) / 1000).toFixed(0)} s.\n`)
}

function fingerprint() {
  const hash = createHash('sha256').update(process.version)
  for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(new URL(file, root)))
  return hash.digest('hex')
}

function refuseOldNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  process.stderr.write(`Lapwing needs Node 20.19 or newer; this is ${process.version}.\n`)
  process.exit(1)
}
