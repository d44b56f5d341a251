/**
 * The public remote-write compliance suite of the Prometheus project, built from the Go module proxy.
 *
 * It is compiled once and kept in the cache folder outside the clone, where the next run finds it; that takes some minutes. As published
 * its receiver tests do not compile against the newest Prometheus, so the version that they were written for stands in the
 * module file.
 *
 * Source: github.com/prometheus/compliance, remotewrite/receiver.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheDirectory } from '@lapwing/kafka-server/cache-directory'

const suite = 'github.com/prometheus/compliance/remotewrite'
const suiteVersion = 'v0.0.0-20260223092825-818283e1171e'
const moduleFile = `module lapwing/compliance

go 1.26.0

require ${suite} ${suiteVersion}

replace github.com/prometheus/prometheus => github.com/prometheus/prometheus v0.307.3
`

/** Path of the program, or why there is none. */
export function complianceSuite(): { readonly program: string } | { readonly missing: string } {
  const folder = join(cacheDirectory(process.env, homedir()), 'remote-write-compliance')
  const program = join(folder, suiteVersion)
  if (existsSync(program)) return { program }
  if (spawnSync('go', ['version']).status !== 0) return { missing: 'Go, to build the compliance suite' }
  process.stderr.write('building the remote-write compliance suite, some minutes the first time\n')
  mkdirSync(folder, { recursive: true })
  const workshop = mkdtempSync(join(tmpdir(), 'lapwing-compliance-'))
  try {
    writeFileSync(join(workshop, 'go.mod'), moduleFile)
    const built = spawnSync('go', ['test', '-c', '-trimpath', '-ldflags', '-s -w', '-o', 'receiver.test', `${suite}/receiver`], {
      cwd: workshop,
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=mod' },
      encoding: 'utf8',
    })
    if (built.status !== 0) return { missing: `the compliance suite, which did not build: ${built.stderr.slice(-500)}` }
    renameSync(join(workshop, 'receiver.test'), program)
    return { program }
  } finally {
    rmSync(workshop, { recursive: true, force: true })
  }
}
