/** `lapwing score`: arguments in, a table (or JSON) out. */

import { detectorSchema } from '@lapwing/detector/config'
import { seriesDetectorOptions } from '@lapwing/detector/detect'
import { loadConfig } from '@lapwing/service/config'
import { Command } from 'commander'
import { createProgress, type Progress } from './progress.ts'
import { type ScoreSummary, scoreFiles } from './score.ts'

interface ScoreFlags {
  readonly input: string
  readonly output: string
  readonly config?: string
  readonly json?: boolean
}

export function scoreCommand(): Command {
  return new Command('score')
    .description('Score CSV files (timestamp,value) and write the same tree with scores, expected band and opened episodes.')
    .requiredOption('-i, --input <path>', 'folder with .csv files at any depth, or one file')
    .requiredOption('-o, --output <path>', 'folder (or file) to write to')
    .option('-c, --config <file>', 'configuration; its detector section is used')
    .option('--json', 'one JSON line per file instead of a table')
    .addHelpText('after', '\nExample:\n  lapwing score --input metrics/ --output scored/\n')
    .action(score)
}

async function score(flags: ScoreFlags): Promise<void> {
  const config = loadConfig({ detector: detectorSchema }, { file: flags.config, environment: process.env, sets: [] })
  let progress: Progress | undefined
  const summaries = await scoreFiles({
    input: flags.input,
    output: flags.output,
    detector: seriesDetectorOptions(config.detector),
    onProgress: (done, total) => {
      progress ??= createProgress({ label: 'scoring', total, stream: process.stderr, now: () => performance.now() })
      progress.update(done)
    },
  })
  progress?.end()
  process.stdout.write(flags.json ? summaries.map((summary) => `${JSON.stringify(summary)}\n`).join('') : table(summaries))
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
