/** A release made ready in a clone of what is committed, and held to what the workflow of a release asks of its tag. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'

const root = fileURLToPath(new URL('../', import.meta.url))
const tsx = import.meta.resolve('tsx')
const script = fileURLToPath(new URL('set-version.ts', import.meta.url))
const next = '9.8.7'

interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly { readonly run?: string; readonly uses?: string }[] }>>
}

/** The shell steps of a job of the release. */
const { jobs } = parse(readFileSync(join(root, '.github/workflows/release.yml'), 'utf8')) as Workflow
const shellOf = (job: string) => jobs[job]!.steps.flatMap(({ run }) => run ?? [])

let clone: string
const read = (file: string) => readFileSync(join(clone, file), 'utf8')
const setVersion = (version: string) =>
  spawnSync(process.execPath, ['--import', tsx, script, version], { cwd: clone, encoding: 'utf8' })
/** As GitHub runs a step: stops at the first command that fails. */
const runs = (shell: string, tag: string) =>
  spawnSync('bash', ['-e', '-o', 'pipefail', '-c', shell], {
    ...{ cwd: clone, encoding: 'utf8' },
    env: { ...process.env, GITHUB_REF_NAME: tag },
  })

const isClone = existsSync(join(root, '.git'))
if (!isClone) process.stderr.write('skipped: the test of a release needs a clone\n')

describe.skipIf(!isClone)('a release', () => {
  beforeAll(() => {
    clone = mkdtempSync(join(tmpdir(), 'lapwing-next-'))
    execFileSync('git', ['clone', '--quiet', root, clone])
  }, 60_000)
  afterAll(() => rmSync(clone, { recursive: true, force: true }))

  test('that cannot be the next one is refused, and nothing is changed', () => {
    for (const version of ['', 'v9.8.7', '0.0.1', '1.0', '9.8.7-rc.1']) {
      const { status, stderr } = setVersion(version)
      expect([status, stderr]).toEqual([
        2,
        expect.stringMatching(/^expected a version after \d+\.\d+\.\d+, such as 1\.2\.3; found "/),
      ])
    }
    expect(execFileSync('git', ['status', '--porcelain'], { cwd: clone, encoding: 'utf8' })).toBe('')
  }, 60_000)

  test('has its version everywhere, and the one before nowhere but in the past', () => {
    const { version: before } = JSON.parse(read('package.json'))
    const { status, stdout, stderr } = setVersion(next)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^\d+ files have version 9\.8\.7/)
    expect(parse(read('deploy/helm/lapwing/Chart.yaml'))).toMatchObject({ version: next, appVersion: next })
    expect(read('libs/service/src/version.ts')).toContain(`'${next}'`)
    const lines = execFileSync('git', ['grep', '-F', before], { cwd: clone, encoding: 'utf8' }).split('\n').filter(Boolean)
    // What a release that is out has left on topics stays true of it.
    const isPast = (line: string) => new RegExp(`\\b(as|by|that|what) ${before.replaceAll('.', '\\.')}\\b`, 'i').test(line)
    const left = [...new Set(lines.filter((line) => !isPast(line)).map((line) => line.slice(0, line.indexOf(':'))))]
    // The history, what others call their version so, and versions that stand for any in tests.
    const mayStay =
      /^CHANGELOG\.md$|^pnpm-lock\.yaml$|go\.sum$|remote-write-encoder\.ts$|^deploy\/prometheus\/tests\/|^test\/deploy\/image/
    expect(left.filter((file) => !mayStay.test(file))).toEqual([])
  }, 60_000)

  test('is what the workflow asks of the tag, and no other tag is', () => {
    const verify = shellOf('verify').find((shell) => shell.includes('Chart.yaml'))!
    expect(runs(verify, `v${next}`)).toMatchObject({ status: 0, stderr: '' })
    expect(runs(verify, 'v9.8.8').status).not.toBe(0)
  })

  test('puts the image under the tag that the chart asks for, in small letters', () => {
    const names = shellOf('publish').find((shell) => shell.includes('GITHUB_OUTPUT'))!
    const output = join(clone, 'output')
    const given = `export GITHUB_OUTPUT=${output} GITHUB_REPOSITORY=Some-Body/Lapwing`
    expect(runs(`${given}\n${names}`, `v${next}`)).toMatchObject({ status: 0, stderr: '' })
    expect(read('output')).toBe(
      `version=${parse(read('deploy/helm/lapwing/Chart.yaml')).appVersion}\nimage=ghcr.io/some-body/lapwing\n`,
    )
  })

  test('tells in its notes what was unreleased, and nothing that is older', () => {
    const notes = shellOf('publish')
      .join('\n')
      .match(/^awk .*$/m)![0]
    const unreleased = execFileSync('git', ['show', 'HEAD:CHANGELOG.md'], { cwd: clone, encoding: 'utf8' }).split(/^## /m)[1]!
    expect(runs(notes, `v${next}`)).toMatchObject({ status: 0, stderr: '' })
    expect(read('notes.md')).toBe(`## ${unreleased.replace('Unreleased', next)}`)
  })

  test('starts scripts that are there', () => {
    const named = [
      ...Object.keys(jobs)
        .flatMap(shellOf)
        .join('\n')
        .matchAll(/scripts\/[\w-]+\.\w+/g),
    ].map(([file]) => file)
    expect(named.length).toBeGreaterThan(0)
    for (const file of named) expect(() => read(file), file).not.toThrow()
  })

  test('has nothing to move a second time', () => {
    expect(setVersion('9.9.0')).toMatchObject({ status: 2, stderr: 'CHANGELOG.md has nothing under "## Unreleased"\n' })
  })
})
