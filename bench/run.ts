/**
 * `npm run bench [-- NAME …] [--check]`: runs every `*.bench.ts`, prints a JSON line per figure on standard output.
 *
 * NAME is the beginning of a figure's name. With `--check` a figure that is worse than its committed baseline by more than the
 * baseline's tolerance fails the run; machines differ and are noisy, so tolerances are wide and ratios count more than values.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readArguments, refuseArguments } from '../scripts/arguments.mjs'
import type { Benches, Figure } from './figure.ts'

interface Baseline {
  readonly value: number
  readonly better: 'higher' | 'lower'
  /** Share by which a figure may be worse. */
  readonly tolerance: number
}

const root = fileURLToPath(new URL('../', import.meta.url))
const baselines: Record<string, Baseline> = JSON.parse(readFileSync(new URL('./baseline.json', import.meta.url), 'utf8'))
const usage = `npm run bench [-- OPTIONS NAME …]: speed, a JSON line per figure.

NAME     the beginning of a figure's name, such as half-space-trees or pipeline/throughput; without, all of them
--check  end with exit code 1 when a figure is worse than bench/baseline.json allows`
const { values: flags, positionals: names } = readArguments(usage, {
  allowPositionals: true,
  options: { check: { type: 'boolean', default: false } },
})

const worse: string[] = []
const benches = await allBenches()
const unknown = names.find((wanted) => !benches.some(([name]) => name.startsWith(wanted)))
if (unknown !== undefined) {
  const known = benches.map(([name]) => `  ${name}\n`).join('')
  refuseArguments(usage, `No figure begins with ${unknown}. There are:\n${known}`)
}
for (const [name, measure] of benches) {
  if (names.length > 0 && !names.some((wanted) => name.startsWith(wanted))) continue
  const figure = await measure()
  process.stdout.write(`${JSON.stringify(figure)}\n`)
  const verdict = compare(figure)
  if (verdict) worse.push(verdict)
}
for (const verdict of worse) process.stderr.write(`${verdict}\n`)
process.exitCode = flags.check && worse.length > 0 ? 1 : 0

async function allBenches(): Promise<[string, Benches[string]][]> {
  const files = findBenchFiles().sort()
  const modules = await Promise.all(files.map((file) => import(`${root}${file}`) as Promise<{ benches: Benches }>))
  return modules.flatMap(({ benches }) => Object.entries(benches))
}

function findBenchFiles(): string[] {
  return ['libs', 'services', 'cli', 'bench'].flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.bench.ts') && !file.includes('node_modules'))
      .map((file) => `${folder}/${file}`),
  )
}

function compare({ bench, value, unit }: Figure): string | undefined {
  const baseline = baselines[bench]
  if (!baseline) return undefined
  const ratio = baseline.better === 'higher' ? value / baseline.value : baseline.value / value
  if (ratio >= 1 - baseline.tolerance) return undefined
  return `${bench}: ${value.toPrecision(3)} ${unit} is worse than the baseline of ${baseline.value.toPrecision(3)} by more than ${baseline.tolerance * 100} %`
}
