/**
 * Other people's implementations in Python, measured in the same run as ours.
 *
 * Packages are pinned and installed once, into a virtual environment in the cache. Where there is no Python, or the packages
 * cannot be had, the figure stands without its peer and standard error says so.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { cacheDirectory } from '@lapwing/kafka-server/cache-directory'
import { withPeer } from './peer.ts'

export interface PythonPeer {
  readonly name: string
  /** Of pip, with versions. */
  readonly packages: readonly string[]
  /** Path of a script that prints one JSON object. */
  readonly script: string
  readonly args: readonly string[]
}

/** What the script prints; undefined, and a line on standard error, when it cannot be run here. */
export function runPythonPeer<Answer>({ name, packages, script, args }: PythonPeer): Promise<Answer | undefined> {
  return withPeer(name, async () => {
    const python = await ensurePackages(packages)
    const { stdout } = await promisify(execFile)(python, [script, ...args], { timeout: runTimeoutMs, env: environment() })
    return JSON.parse(stdout) as Answer
  })
}

const installTimeoutMs = 300_000
const runTimeoutMs = 300_000

/** One core for each side: numpy would take all. */
function environment() {
  return { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' }
}

async function ensurePackages(packages: readonly string[]): Promise<string> {
  const digest = createHash('sha256').update(packages.join('\n')).digest('hex').slice(0, 12)
  const directory = join(cacheDirectory(process.env, homedir()), `python-${digest}`)
  const python = join(directory, 'bin', 'python')
  const complete = join(directory, 'complete')
  if (existsSync(complete)) return python
  process.stderr.write(`installing ${packages.join(', ')} …\n`)
  await rm(directory, { recursive: true, force: true })
  await mkdir(dirname(directory), { recursive: true })
  await promisify(execFile)('python3', ['-m', 'venv', directory])
  await promisify(execFile)(python, ['-m', 'pip', 'install', '--quiet', ...packages], { timeout: installTimeoutMs })
  await writeFile(complete, '')
  return python
}
