/**
 * `npm run quality [-- --nab DIR --smd DIR] [--check] [--tuning] [NAME …]`: how good detection is, a JSON line per figure on standard output.
 *
 * NAB (`DIR/data`, `DIR/windows.json`) and SMD (`DIR/NAME.train.csv.gz`, `DIR/NAME.test.csv.gz`) need data that are not part of the project;
 * without them their figures are skipped, and said to be.
 * The simulation needs nothing. Its committed figures come from seeds that nothing was tuned on; `--tuning` runs others, for
 * work on the detector. NAME is the beginning of a figure's name. With `--check` a figure that is worse than its committed baseline
 * by more than its tolerance fails the run; detection is deterministic, so tolerances are narrow.
 */
import { readFileSync } from 'node:fs'
import type { ScoringModel } from '@lapwing/cli/score-channels'
import { defaultModelKind } from '@lapwing/deep/model'
import type { SeriesDetectorOptions } from '@lapwing/detection/series-detector'
import { detectorSchema } from '@lapwing/detector/config'
import { seriesDetectorOptions } from '@lapwing/queries/detector-settings'
import { readArguments, refuseArguments } from '../scripts/arguments.mjs'
import { runDrift } from './drift.ts'
import { runNab } from './nab.ts'
import { runFaults, runQuiet } from './simulation.ts'
import { runSmd, type SmdResult } from './smd.ts'

interface Figure {
  readonly quality: string
  readonly value: number
  readonly unit: string
  /** What it is compared with, where there is something; a ratio above 1 means that ours is better. */
  readonly peer?: string
  readonly peerValue?: number
  readonly ratio?: number
}

interface Baseline {
  readonly value: number
  readonly better: 'higher' | 'lower'
  /** By how much a figure may be worse, in its unit. */
  readonly tolerance: number
}

const baselines: Record<string, Baseline> = JSON.parse(readFileSync(new URL('./baseline.json', import.meta.url), 'utf8'))
const usage = `npm run quality [-- OPTIONS NAME …]: how good detection is, a JSON line per figure.

NAME       the beginning of a figure's name: nab, smd, quiet, faults, drift; without, all of them
--nab DIR  data of the Numenta benchmark: DIR/data, DIR/windows.json; without, its figures are skipped
--smd DIR  data of the server machine dataset: DIR/NAME.train.csv.gz, DIR/NAME.test.csv.gz; the same
--check    end with exit code 1 when a figure is worse than quality/baseline.json allows
--tuning   other seeds, for work on the detector`

const { values: flags, positionals: names } = readArguments(usage, {
  allowPositionals: true,
  options: {
    nab: { type: 'string' },
    smd: { type: 'string' },
    check: { type: 'boolean', default: false },
    tuning: { type: 'boolean', default: false },
  },
})

const unknown = names.find(
  (name) => !['nab', 'smd', 'quiet', 'faults', 'drift'].some((area) => name.startsWith(area) || area.startsWith(name)),
)
if (unknown !== undefined) refuseArguments(usage, `No figure begins with ${unknown}.`)

const balanced = seriesDetectorOptions(detectorSchema.parse({}))
const seeds = flags.tuning
  ? { quiet: 5_000_000, faults: 6_000_000, drift: 7_000_000 }
  : { quiet: 1, faults: 1_000_001, drift: 2_000_001 }
const quietSeries = flags.tuning ? 60 : 300
const quietWeeks = 8
const faultsPerKind = 20
const driftEntities = 40
const driftQuietWeeks = 4

const smdModels: Record<string, ScoringModel> = {
  default: defaultModelKind,
  pca: 'pca',
  iforest: 'iforest',
  ae: 'autoencoder',
  vae: 'vae',
  lstm: 'lstm',
}

const worse: string[] = []
await nab('nab', balanced)
await nab('nab-high-precision', seriesDetectorOptions(detectorSchema.parse({ sensitivity: 'high-precision' })))
for (const [name, model] of Object.entries(smdModels)) await smd(`smd/${name}`, model)
if (wants('quiet')) await quietWeeksFigures()
if (wants('faults')) await faultFigures()
if (wants('drift')) driftFigures()
for (const verdict of worse) process.stderr.write(`${verdict}\n`)
process.exitCode = flags.check && worse.length > 0 ? 1 : 0

async function nab(area: string, detector: SeriesDetectorOptions): Promise<void> {
  if (!wants(area)) return
  if (flags.nab === undefined) {
    say(`SKIPPED ${area}/*: no data. Give its folder: npm run quality -- --nab DIR (with DIR/data and DIR/windows.json)`)
    return
  }
  const result = await runNab(flags.nab, detector, (name, line) => flags.tuning && say(`${name} ${line}`))
  say(`${area}: ${result.windowsFound} of ${result.windows} windows, ${result.falseAlerts} false alerts`)
  report({ quality: `${area}/standard`, value: rounded(result.standard, 1), unit: 'NAB score' })
  report({ quality: `${area}/low-fp`, value: rounded(result.lowFalsePositives, 1), unit: 'NAB score' })
  report({ quality: `${area}/alert-precision`, value: rounded(result.alertPrecision, 3), unit: 'share' })
  report({ quality: `${area}/recall`, value: rounded(result.windowsFound / result.windows, 3), unit: 'share' })
}

async function smd(area: string, model: ScoringModel): Promise<void> {
  if (!wants(area)) return
  if (flags.smd === undefined) {
    say(`SKIPPED ${area}/*: no data. Give its folder: npm run quality -- --smd DIR (with NAME.train.csv.gz and NAME.test.csv.gz)`)
    return
  }
  const tell = (name: string, result: SmdResult) =>
    say(`${area} ${name} ${JSON.stringify(result, (_, value) => shortened(value))}`)
  const result = await runSmd(flags.smd, { model, detector: balanced }, tell)
  report({ quality: `${area}/vus-pr`, value: rounded(result.vusPr, 3), unit: 'area, buffer of 100 rows' })
  report({ quality: `${area}/auc-pr`, value: rounded(result.aucPr, 3), unit: 'area' })
  report({ quality: `${area}/event-recall`, value: rounded(result.eventRecall, 3), unit: 'share with an episode opening inside' })
  report({ quality: `${area}/events-touched`, value: rounded(result.eventsTouched, 3), unit: 'share with a score above 1' })
  report({ quality: `${area}/false-alerts`, value: rounded(result.falseAlertsPerDay, 3), unit: 'a day and machine' })
}

function shortened(value: unknown): unknown {
  return typeof value === 'number' ? rounded(value, 3) : value
}

async function quietWeeksFigures(): Promise<void> {
  const onProgress = progressOf('quiet weeks')
  const result = runQuiet({ detector: balanced, firstSeed: seeds.quiet, onProgress }, quietSeries, quietWeeks)
  const per100 = (episodes: number) => rounded((100 * episodes) / result.seriesDays, 2)
  say(`quiet weeks: ${quietSeries} series, ${quietWeeks} weeks, ${result.notifying} episodes that notify, by kind of series:`)
  say(JSON.stringify(result.notifyingByKind))
  report({
    quality: 'quiet/episodes-per-100-series-days',
    value: per100(result.notifying),
    unit: 'episodes at warning and above',
  })
  report({ quality: 'quiet/recorded-per-100-series-days', value: per100(result.opened), unit: 'episodes' })
  report({ quality: 'quiet/share-in-episodes', value: rounded(result.shareInEpisodes, 5), unit: 'share of samples' })
}

async function faultFigures(): Promise<void> {
  const onProgress = progressOf('faults')
  const result = runFaults({ detector: balanced, firstSeed: seeds.faults, onProgress }, faultsPerKind)
  for (const [kind, { faults, notified, opened }] of Object.entries(result.byKind)) {
    say(`${kind.padEnd(16)} ${notified} notified, ${opened} recorded, of ${faults}`)
  }
  report({ quality: 'faults/recall', value: rounded(result.notified / result.faults, 3), unit: 'share, at warning and above' })
  report({ quality: 'faults/recall-all-levels', value: rounded(result.opened / result.faults, 3), unit: 'share' })
  report({ quality: 'faults/delay', value: median(result.abruptDelays), unit: 'samples, median' })
}

function driftFigures(): void {
  const result = runDrift(driftEntities, driftQuietWeeks, seeds.drift)
  const peer = 'a request a day'
  const lowerIsBetter = (value: number, peerValue: number) => ({ value, peer, peerValue, ratio: rounded(peerValue / value, 2) })
  const delay = lowerIsBetter(median(result.delays), median(result.dummyDelays))
  report({ quality: 'drift/delay', ...delay, unit: 'minutes from the change to the request, median' })
  const falseAlarms = lowerIsBetter(rounded(result.falseAlarmsPerWeek, 2), result.dummyFalseAlarmsPerWeek)
  report({ quality: 'drift/false-alarms', ...falseAlarms, unit: 'requests a week and entity without a change' })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function wants(area: string): boolean {
  return names.length === 0 || names.some((name) => area.startsWith(name) || name.startsWith(`${area}/`))
}

function report(figure: Figure): void {
  process.stdout.write(`${JSON.stringify(figure)}\n`)
  const baseline = baselines[figure.quality]
  if (!baseline || flags.tuning) return
  const lost = baseline.better === 'higher' ? baseline.value - figure.value : figure.value - baseline.value
  if (lost <= baseline.tolerance) return
  worse.push(
    `${figure.quality}: ${figure.value} is worse than the baseline of ${baseline.value} by more than ${baseline.tolerance}`,
  )
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

function progressOf(label: string): (doneShare: number) => void {
  let shown = 0
  return (doneShare) => {
    if (doneShare - shown < 0.1 && doneShare < 1) return
    shown = doneShare
    say(`${label} ${Math.round(100 * doneShare)} %`)
  }
}
