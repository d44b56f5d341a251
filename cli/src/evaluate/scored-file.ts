/** The scores of `lapwing backtest --export-csv`, series by series. */
import { readFileSync } from 'node:fs'
import type { ScoredPoints } from '@lapwing/evaluation/evaluate-points'
import { readTimestamp, readValue } from '../csv-series.ts'
import { UserError } from '../user-error.ts'

const neededColumns = ['series', 'timestamp', 'anomaly_score', 'in_episode'] as const

/** By the text of the series. Throws a UserError that names file and line. */
export function readScored(file: string): Map<string, ScoredPoints> {
  const lines = textOf(file).split(/\r?\n/)
  const names = cells(lines[0] ?? '')
  const columns = neededColumns.map((name) => names.indexOf(name))
  if (columns.includes(-1)) throw new UserError(`${file}:1: expected a header line with the columns ${neededColumns.join(', ')}`)
  const rows = new Map<string, { at: number[]; scores: number[]; inEpisode: number[] }>()
  for (let i = 1; i < lines.length; i++) {
    if (lines[i]!.trim() === '') continue
    const found = cells(lines[i]!)
    const [series, timestamp, score, inEpisode] = columns.map((column) => found[column] ?? '')
    const own = rows.get(series!) ?? { at: [], scores: [], inEpisode: [] }
    rows.set(series!, own)
    own.at.push(readTimestamp(timestamp!, `${file}:${i + 1}`))
    own.scores.push(readValue(score!, `${file}:${i + 1}`) || 0)
    own.inEpisode.push(inEpisode === '1' ? 1 : 0)
  }
  return new Map(
    [...rows].map(([series, { at, scores, inEpisode }]) => [
      series,
      { timestampsMs: Float64Array.from(at), scores: Float64Array.from(scores), inEpisode: Uint8Array.from(inEpisode) },
    ]),
  )
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UserError(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

/** RFC 4180: a cell in quotes may hold commas, and quotes twice. */
function cells(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  )
}
