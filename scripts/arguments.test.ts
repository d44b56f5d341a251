/** What a person mistypes on a task or a script is answered in words, without a stack, and nothing is begun. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../', import.meta.url))
const run = (...args: string[]) => spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 60_000 })

test.each([
  [['scripts/run.mjs', 'quality', '--nonsense'], /^Unknown option '--nonsense'\n\nnpm run quality /],
  [['scripts/run.mjs', 'quality', 'nobody'], /^No figure begins with nobody\.\n\nnpm run quality /],
  [['scripts/run.mjs', 'bench', '--nonsense'], /^Unknown option '--nonsense'\n\nnpm run bench /],
  [['scripts/run.mjs', 'tset'], /^there is no task tset\n\n[\s\S]*TASK {6}check, test, e2e/],
  [['scripts/deploy-tools.mjs', 'helmm'], /^there is no helmm\n\n[\s\S]*NAME {2}helm, /],
  [['scripts/native-tensorflow.mjs', 'now'], /^Unexpected argument 'now'/],
  [['--import', 'tsx', 'services/drift/src/main.ts', '--what'], /^Unknown option '--what'\nExpected: \[--config FILE\]/],
] as const)(
  '%j ends with exit code 2 and what there is',
  (args, said) => {
    const { status, stdout, stderr } = run(...args)
    expect(stderr).toMatch(said)
    expect(stderr).not.toContain('    at ')
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  },
  60_000,
)

test.each(['quality', 'bench', 'check'])(
  'npm run %s -- --help helps and does nothing else',
  (task) => {
    const { status, stdout, stderr } = run('scripts/run.mjs', task, '--help')
    expect(stdout).toMatch(/^(npm run (quality|bench) |node scripts\/run\.mjs TASK )/)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  },
  60_000,
)
