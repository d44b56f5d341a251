/**
 * The gate for what others wrote: licences, known holes, digests, and scripts that run when it is installed.
 *
 * Exit code 1 when something may not be there. A registry that does not tell of advisories is said so and is no failure, unless `--strict` is given, as in a
 * release.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { readArguments } from './arguments.mjs'
import {
  type AcceptedAdvisory,
  type AuditReport,
  advisoryProblems,
  type LicensedPackage,
  licenceProblems,
  lockProblems,
} from './supply-chain.ts'

const usage = `node_modules/.bin/tsx scripts/check-supply.ts [--strict]: licences, known holes, digests and install scripts of the dependencies.

--strict  a registry that does not tell of advisories is a failure too`
const { values: flags } = readArguments(usage, { options: { strict: { type: 'boolean', default: false } } })

const root = fileURLToPath(new URL('../', import.meta.url))
const { packageManager } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { packageManager: string }

/** None so far. */
const accepted: readonly AcceptedAdvisory[] = []

/** Packages whose install script is run; every other script is not. */
const scriptsRun = ['esbuild']

const problems = [...licences(), ...locked(), ...scripts()]
const holes = advisoryProblems(ask('audit') as AuditReport, accepted)
if (holes) problems.push(...holes)
else process.stderr.write('NOT CHECKED: this registry does not tell of advisories (pnpm audit)\n')
for (const problem of problems) process.stderr.write(`${problem}\n`)
process.stdout.write(`supply chain: ${problems.length} problems${holes ? '' : ', advisories not checked'}\n`)
process.exitCode = problems.length > 0 || (holes === undefined && flags.strict) ? 1 : 0

function ask(...args: string[]): unknown {
  const { stdout, stderr } = spawnSync('npx', ['-y', packageManager, ...args, '--json'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  try {
    return JSON.parse(stdout)
  } catch {
    return { error: { code: 'no_answer', message: stderr } }
  }
}

function licences(): string[] {
  const told = ask('licenses', 'list') as Record<string, readonly LicensedPackage[]>
  if ('error' in told) return ['pnpm licenses list gives no answer']
  return licenceProblems(told)
}

function locked(): string[] {
  return lockProblems(parse(readFileSync(`${root}pnpm-lock.yaml`, 'utf8')).packages)
}

function scripts(): string[] {
  const { allowBuilds } = parse(readFileSync(`${root}pnpm-workspace.yaml`, 'utf8')) as { allowBuilds: Record<string, boolean> }
  const run = Object.keys(allowBuilds).filter((name) => allowBuilds[name])
  return run
    .filter((name) => !scriptsRun.includes(name))
    .map((name) => `the install script of ${name} is run, and is not on the list`)
}
