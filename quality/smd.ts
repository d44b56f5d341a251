/** Server machines (SMD), through `lapwing score`: train on the rows before, score the labelled ones, one setting for all machines. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type ScoreChannelsOptions, scoreChannels } from '@lapwing/cli/score-channels'
import { averagePrecision, eventsOf, volumeUnderSurface } from '@lapwing/evaluation/range-auc'

/** Of one machine, or the plain mean over machines. */
export interface SmdResult {
  readonly vusPr: number
  readonly aucPr: number
  /** Share of events inside of which an episode opens. */
  readonly eventRecall: number
  /** Share of events that have a row with a score above 1. */
  readonly eventsTouched: number
  /** Episodes that open outside of every event. */
  readonly falseAlertsPerDay: number
}

/** Scores each `NAME.test.csv.gz` of `directory` with a model of `NAME.train.csv.gz`. Throws when there are none. */
export async function runSmd(
  directory: string,
  options: Pick<ScoreChannelsOptions, 'model' | 'detector'>,
  onMachine: (name: string, result: SmdResult) => void,
): Promise<SmdResult> {
  const ending = '.test.csv.gz'
  const machines = readdirSync(directory)
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .sort()
  if (machines.length === 0) throw new Error(`${directory}: no file NAME${ending}`)
  const results: SmdResult[] = []
  for (const machine of machines) {
    const result = await scoreMachine(join(directory, machine), options)
    onMachine(machine, result)
    results.push(result)
  }
  const mean = (of: (result: SmdResult) => number) => results.reduce((sum, result) => sum + of(result), 0) / results.length
  return {
    vusPr: mean(({ vusPr }) => vusPr),
    aucPr: mean(({ aucPr }) => aucPr),
    eventRecall: mean(({ eventRecall }) => eventRecall),
    eventsTouched: mean(({ eventsTouched }) => eventsTouched),
    falseAlertsPerDay: mean(({ falseAlertsPerDay }) => falseAlertsPerDay),
  }
}

async function scoreMachine(
  path: string,
  { model, detector }: Pick<ScoreChannelsOptions, 'model' | 'detector'>,
): Promise<SmdResult> {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-smd-'))
  try {
    const output = join(folder, 'scored.csv')
    await scoreChannels({
      train: `${path}.train.csv.gz`,
      input: `${path}.test.csv.gz`,
      output,
      model,
      detector,
      seed: 1,
      tensorflowBackend: 'wasm',
      onProgress: () => {},
      onTensorFlow: () => {},
    })
    return judge(readLabels(`${path}.test.csv.gz`), readFileSync(output, 'utf8').trimEnd().split('\n').slice(1))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function judge(labels: Uint8Array, scored: readonly string[]): SmdResult {
  const cells = scored.map((line) => line.split(','))
  const scores = Float64Array.from(cells, ([score]) => Number(score))
  const opened = cells.flatMap(([, cell], row) => (cell === '1' ? [row] : []))
  const events = eventsOf(labels)
  const found = events.filter(([first, last]) => opened.some((row) => row >= first && row <= last))
  const touched = events.filter(([first, last]) => scores.subarray(first, last + 1).some((score) => score > 1))
  return {
    vusPr: volumeUnderSurface(scores, labels),
    aucPr: averagePrecision(scores, labels),
    eventRecall: found.length / events.length,
    eventsTouched: touched.length / events.length,
    falseAlertsPerDay: opened.filter((row) => labels[row] === 0).length / (labels.length / minutesPerDay),
  }
}

const minutesPerDay = 1440

function readLabels(path: string): Uint8Array {
  const [header, ...lines] = gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n')
  const column = header!.trim().split(',').indexOf('label')
  return Uint8Array.from(lines, (line) => Number(line.split(',')[column]))
}
