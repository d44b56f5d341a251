/**
 * Starts the double of Grafana: a program of ours around Grafana's own generated client, built once with Go and kept in the cache outside the
 * clone. `main.go` says what it knows.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('./double/', import.meta.url))

export interface GrafanaDouble {
  readonly url: string
  stop(): void
}

/** What it lets in. */
export const doubleCredentials = { token: 'the-token', user: 'admin', password: 'the password' } as const

/** Path of the program, or why there is none. */
export function grafanaDouble(): { readonly program: string } | { readonly missing: string } {
  const digest = createHash('sha256')
  for (const name of ['main.go', 'go.mod']) digest.update(readFileSync(join(source, name)))
  const folder = join(
    process.env.LAPWING_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lapwing'),
    'grafana-double',
  )
  const program = join(folder, digest.digest('hex').slice(0, 16))
  if (existsSync(program)) return { program }
  if (spawnSync('go', ['version']).status !== 0) return { missing: 'Go is not installed' }
  process.stderr.write('building the double of Grafana from its published client, a minute the first time\n')
  mkdirSync(folder, { recursive: true })
  const workshop = mkdtempSync(join(tmpdir(), 'lapwing-grafana-'))
  try {
    cpSync(source, workshop, { recursive: true })
    const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=mod' }
    const built = spawnSync('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', 'double', '.'], {
      cwd: workshop,
      env,
      encoding: 'utf8',
    })
    if (built.status !== 0) return { missing: `it does not build: ${built.stderr.slice(-500)}` }
    renameSync(join(workshop, 'double'), program)
    return { program }
  } catch (error) {
    return { missing: String(error) }
  } finally {
    rmSync(workshop, { recursive: true, force: true })
  }
}

export async function startGrafanaDouble(program: string): Promise<GrafanaDouble> {
  // It ends with its standard input, and so with this process.
  const child: ChildProcess = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  return { url: line.toString().trim(), stop: () => void child.kill() }
}
