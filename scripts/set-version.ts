/**
 * Sets the version of the next release in every place that has it, and moves what the changelog has under Unreleased below it:
 * `node_modules/.bin/tsx scripts/set-version.ts 0.2.0`. Nothing is committed or tagged. Exit code 2 when it cannot be the next version.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readArguments, refuseArguments } from './arguments.mjs'
import { released, VersionError } from './release-files.ts'

const usage = `node_modules/.bin/tsx scripts/set-version.ts VERSION: sets the version of the next release in every place that has it, 0.2.0 for example.
Nothing is committed or tagged.`
const [version, ...more] = readArguments(usage, { allowPositionals: true }).positionals
if (version === undefined || more.length > 0) refuseArguments(usage, 'expected one version')
const root = process.cwd()
const named = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean)

try {
  const edits = released(named, (file) => readFileSync(join(root, file), 'utf8'), version)
  for (const [file, text] of edits) writeFileSync(join(root, file), text)
  process.stdout.write(`${edits.size} files have version ${version}; look at the changelog, commit, and tag v${version}\n`)
} catch (error) {
  if (!(error instanceof VersionError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 2
}
