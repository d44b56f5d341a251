/**
 * The project's tasks: `node scripts/run.mjs check|test|e2e|faults|deploy|bench|quality`.
 *
 * A task is a list of steps that run one after the other; all of them run, whatever fails before, and the last line sums up:
 * `N passed, N failed, N skipped`. A step that is not a test run counts as one. The sums are also written to
 * `.cache/results/TASK.json`, so that CI can add up several tasks.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { refuseArguments } from './arguments.mjs'
import { ensureInstalled } from './install.mjs'

const root = fileURLToPath(new URL('../', import.meta.url))
const results = `${root}.cache/results/`

const types = command('types', 'tsc', ['-p', '.'])
const pageTypes = command('page types', 'tsc', ['-p', 'services/reporter/src/page'])
const lint = command('lint', 'biome', ['check', '.'])
const imports = command('import rules', 'depcruise', ['libs', 'services', 'cli', 'deploy', 'test', 'bench', 'quality'])
const unused = command('unused code', 'knip', [])
const supply = command('supply chain', 'tsx', ['scripts/check-supply.ts'])
const unit = vitest('unit')
const integration = vitest('integration')
const e2e = vitest('e2e')
const faults = vitest('faults')
const deploy = vitest('deploy')

const tasks = {
  check: [types, pageTypes, lint, imports, unused, unit],
  test: [types, pageTypes, lint, imports, unused, supply, unit, integration],
  e2e: [e2e],
  faults: [faults],
  deploy: [deploy],
  bench: [passThrough('bench', 'bench/run.ts')],
  quality: [passThrough('quality', 'quality/run.ts')],
}

/** Tasks that answer --help themselves. */
const ownHelp = ['bench', 'quality']

const [task, ...args] = process.argv.slice(2)
const usage = `node scripts/run.mjs TASK [ARGUMENT …]: a task of the project (npm test, npm run check, npm run test:e2e …).

TASK      ${Object.keys(tasks).join(', ')}
ARGUMENT  bench, quality: --help tells; the others hand it to Vitest: part of a test file's path, -t "name of a test"`
if (task === '--help' || task === '-h' || (args.some((one) => one === '--help' || one === '-h') && !ownHelp.includes(task))) {
  process.stdout.write(`${usage}\n`)
  process.exit(0)
}
if (!Object.hasOwn(tasks, task ?? '')) refuseArguments(usage, task === undefined ? 'which task?' : `there is no task ${task}`)
await ensureInstalled()
mkdirSync(results, { recursive: true })
const startMs = performance.now()
const outcomes = tasks[task].map((step) => step(args))
if (task !== 'bench' && task !== 'quality') summarise(outcomes)
// What a person can put right has an exit code of its own.
process.exit(Math.max(...outcomes.map(({ failed, exitCode = 0 }) => Math.max(exitCode, failed > 0 ? 1 : 0))))

function summarise(outcomes) {
  const skippedNames = outcomes.flatMap(({ skippedNames = [] }) => skippedNames)
  if (skippedNames.length > 0) process.stdout.write(`\nSkipped:\n${skippedNames.map((name) => `  ${name}\n`).join('')}`)
  const width = Math.max(...outcomes.map(({ name }) => name.length))
  process.stdout.write('\n')
  for (const { name, passed, failed, skipped, seconds } of outcomes) {
    process.stdout.write(
      `  ${failed === 0 ? 'ok    ' : 'FAILED'}  ${name.padEnd(width)}  ${passed} passed, ${failed} failed, ${skipped} skipped  ${seconds.toFixed(1)} s\n`,
    )
  }
  const sum = (key) => outcomes.reduce((total, outcome) => total + outcome[key], 0)
  const totals = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') }
  writeFileSync(`${results}${task}.json`, JSON.stringify(totals))
  process.stdout.write(
    `\n${((performance.now() - startMs) / 1000).toFixed(0)} s\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`,
  )
}

function command(name, program, programArgs) {
  return () => {
    const { status, seconds } = run(`node_modules/.bin/${program}`, programArgs, name)
    return { name, passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0, seconds }
  }
}

function passThrough(name, script) {
  return (scriptArgs) => {
    const { status, seconds } = run(process.execPath, ['--expose-gc', '--import', 'tsx', script, ...scriptArgs], undefined)
    return { name, passed: 0, failed: status === 0 ? 0 : 1, exitCode: status === 2 ? 2 : 0, skipped: 0, seconds }
  }
}

function vitest(project) {
  return (vitestArgs) => {
    const output = `${results}vitest-${project}.json`
    rmSync(output, { force: true })
    const { status, seconds } = run(
      'node_modules/.bin/vitest',
      ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${output}`, ...vitestArgs],
      project,
    )
    try {
      const report = JSON.parse(readFileSync(output, 'utf8'))
      const tests = report.testResults.flatMap((file) => file.assertionResults)
      const skippedNames = tests
        .filter((test) => test.status === 'pending' || test.status === 'skipped')
        .map((test) => test.fullName)
      const failed = Math.max(report.numFailedTests, status === 0 ? 0 : 1)
      return { name: project, passed: report.numPassedTests, failed, skipped: skippedNames.length, skippedNames, seconds }
    } catch {
      return { name: project, passed: 0, failed: 1, skipped: 0, seconds }
    }
  }
}

function run(program, programArgs, title) {
  if (title) process.stdout.write(`\n── ${title}\n`)
  const startMs = performance.now()
  const { status } = spawnSync(program, programArgs, { cwd: root, stdio: 'inherit' })
  return { status, seconds: (performance.now() - startMs) / 1000 }
}
