/** Another release of this project, unpacked from the history of this clone and installed in a folder of its own. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface ReleaseTree {
  readonly folder: string
  /** Short name of its commit. */
  readonly commit: string
  remove(): void
}

/** What to upgrade from: LAPWING_UPGRADE_FROM (a tag or a commit), else the newest tag `v*`; undefined when there is neither. */
export function releaseBefore(environment: NodeJS.ProcessEnv): string | undefined {
  if (environment.LAPWING_UPGRADE_FROM) return environment.LAPWING_UPGRADE_FROM
  const { status, stdout } = spawnSync('git', ['tag', '--list', 'v*', '--sort=-version:refname'], { cwd: root, encoding: 'utf8' })
  return (status === 0 && stdout.split('\n')[0]) || undefined
}

/** Throws when this clone does not know the release, or it cannot be installed. */
export function unpackRelease(ref: string): ReleaseTree {
  const commit = git(['rev-parse', '--short', `${ref}^{commit}`])
    .toString()
    .trim()
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-release-'))
  execFileSync('tar', ['-x', '-C', folder], { input: git(['archive', '--format=tar', commit]) })
  const install = "import('./scripts/install.mjs').then((module) => module.ensureInstalled())"
  execFileSync(process.execPath, ['-e', install], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  return { folder, commit, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

function git(args: readonly string[]): Buffer {
  return execFileSync('git', args, { cwd: root, maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'pipe'] })
}
