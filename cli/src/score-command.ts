/** `lapwing score`: arguments in, a table (or JSON) out. */

import { defaultModelKind } from '@lapwing/deep/model'
import { detectorSchema } from '@lapwing/detector/config'
import { seriesDetectorOptions } from '@lapwing/queries/detector-settings'
import { loadConfig } from '@lapwing/service/config'
import { Command, InvalidArgumentError, Option } from 'commander'
import { createProgress, type Progress } from './progress.ts'
import { type ScoreSummary, scoreFiles } from './score.ts'
import { type ScoringModel, scoreChannels, scoringModels } from './score-channels.ts'

interface ScoreFlags {
  readonly input: string
  readonly output: string
  readonly train?: string
  readonly model?: ScoringModel
  readonly seed: number
  readonly config?: string
  readonly json?: boolean
}

export function scoreCommand(): Command {
  return new Command('score')
    .description(
      'Score CSV files. Alone: each file is a series (timestamp,value), and the same tree is written with scores, expected band and ' +
        'opened episodes. With --train or --model: each column is a channel of one entity, and all are judged together.',
    )
    .requiredOption('-i, --input <path>', 'folder with .csv files at any depth, or one file (.csv or .csv.gz with --train)')
    .requiredOption('-o, --output <path>', 'folder (or file) to write to')
    .option('-t, --train <file>', 'rows of normal operation to learn from; the same columns as the input')
    .addOption(new Option('-m, --model <kind>', `default with --train: ${defaultModelKind}`).choices(scoringModels))
    .option('--seed <number>', 'of what is random in training', wholeNumber, 1)
    .option('-c, --config <file>', 'configuration; its detector section is used')
    .option('--json', 'one JSON line per file instead of a table')
    .addHelpText(
      'after',
      '\nExamples:\n  lapwing score --input metrics/ --output scored/\n' +
        '  lapwing score --train last-week.csv.gz --input today.csv --output scored.csv\n',
    )
    .action((flags: ScoreFlags) => (flags.train === undefined && flags.model === undefined ? score(flags) : scoreTable(flags)))
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number from 0 to 999999999')
  return Number(text)
}

async function score(flags: ScoreFlags): Promise<void> {
  const progress = phases()
  const summaries = await scoreFiles({
    input: flags.input,
    output: flags.output,
    detector: detectorOptions(flags),
    onProgress: (done, total) => progress.update('scoring', total > 0 ? done / total : 1),
  })
  progress.end()
  process.stdout.write(flags.json ? summaries.map((summary) => `${JSON.stringify(summary)}\n`).join('') : table(summaries))
}

async function scoreTable(flags: ScoreFlags): Promise<void> {
  const progress = phases()
  const summary = await scoreChannels({
    train: flags.train,
    input: flags.input,
    output: flags.output,
    model: flags.model ?? defaultModelKind,
    seed: flags.seed,
    detector: detectorOptions(flags),
    tensorflowBackend: process.env.LAPWING_TF_BACKEND ?? 'auto',
    onProgress: progress.update,
    onTensorFlow: ({ backend, passedOver }) =>
      process.stderr.write(`TensorFlow backend: ${backend}${passedOver.map((reason) => `\n  not used: ${reason}`).join('')}\n`),
  })
  progress.end()
  const { file, rows, anomalousRows, opened } = summary
  process.stdout.write(
    flags.json ? `${JSON.stringify(summary)}\n` : `${file}: ${rows} rows, ${anomalousRows} anomalous, ${opened} episodes\n`,
  )
}

function detectorOptions({ config: file }: ScoreFlags) {
  return seriesDetectorOptions(loadConfig({ detector: detectorSchema }, { file, environment: process.env, sets: [] }).detector)
}

/** A bar for each phase of the work, one after the other. */
function phases(): { update(phase: string, share: number): void; end(): void } {
  let shown: { phase: string; bar: Progress } | undefined
  return {
    update: (phase, share) => {
      if (shown?.phase !== phase) {
        shown?.bar.end()
        const bar = createProgress({ label: phase, total: 1, stream: process.stderr, now: () => performance.now() })
        shown = { phase, bar }
      }
      shown.bar.update(share)
    },
    end: () => shown?.bar.end(),
  }
}

function table(summaries: readonly ScoreSummary[]): string {
  const width = Math.max(...summaries.map(({ file }) => file.length), 4)
  const row = (file: string, rows: string | number, opened: string | number, longest: string | number) =>
    `${file.padEnd(width)}  ${String(rows).padStart(9)}  ${String(opened).padStart(8)}  ${String(longest).padStart(12)}\n`
  const total = summaries.reduce((sum, summary) => ({ rows: sum.rows + summary.rows, opened: sum.opened + summary.opened }), {
    rows: 0,
    opened: 0,
  })
  return [
    row('file', 'rows', 'episodes', 'longest/rows'),
    ...summaries.map(({ file, rows, opened, longestEpisodeRows }) => row(file, rows, opened, longestEpisodeRows)),
    row(`${summaries.length} files`, total.rows, total.opened, ''),
  ].join('')
}
