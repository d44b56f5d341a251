/** What the documents for operators say, held to what it is about. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { absentTools, findTool } from './tools.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = [
  ...['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'deploy/helm/lapwing/README.md', 'deploy/airflow/README.md'],
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

test('the sizing is that of the committed baseline', () => {
  const baseline = JSON.parse(readFileSync(join(root, 'bench/baseline.json'), 'utf8')) as Record<string, { value: number }>
  const page = readFileSync(join(root, 'docs/operations.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `([\w/-]+)` \| ([\d.]+) \|/gm)].map(([, bench, value]) => [bench, Number(value)] as const)
  expect(rows.length).toBeGreaterThan(5)
  for (const [bench, value] of rows) expect(baseline[bench!]?.value, bench).toBe(value)
})

test.each(pages)('every link of %s leads to a file', (page) => {
  const text = readFileSync(join(root, page), 'utf8').replaceAll(/```[\s\S]*?```/g, '')
  const targets = [...text.matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)].map(([, target]) => target!)
  const own = targets.filter((target) => !/^https?:/.test(target))
  expect(own.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([])
})

test('what CI runs are tasks that there are', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  const files = ['.github/workflows/ci.yml', '.github/workflows/release.yml', '.gitlab-ci.yml', 'CONTRIBUTING.md']
  const texts = files.map((file) => readFileSync(join(root, file), 'utf8'))
  for (const text of texts.slice(0, -1)) expect(parse(text)).toBeTypeOf('object')
  const tasks = texts.flatMap((text) => [...text.matchAll(/npm run ([\w:]+)(?!\S*[$])/g)].map(([, task]) => task!))
  expect(tasks.length).toBeGreaterThan(5)
  expect(tasks.filter((task) => !(task in scripts) && !task.endsWith(':'))).toEqual([])
})

test.skipIf(absentTools('the test of the workflows', ['actionlint']).length > 0)('GitHub would take the workflows', () => {
  // With shellcheck, where it is, it reads the shell of each step as well.
  const flags = [`-shellcheck=${findTool('shellcheck') ?? ''}`, '-pyflakes=']
  expect(execFileSync(findTool('actionlint')!, flags, { cwd: root, encoding: 'utf8' })).toBe('')
})
