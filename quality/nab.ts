/** The Numenta benchmark, through `lapwing score`: its folder in, the score of the episodes that opened out. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scoreFiles } from '@lapwing/cli/score'
import type { SeriesDetectorOptions } from '@lapwing/detection/series-detector'
import { type NabResult, type ScoredFile, scoreFile, scoreNab } from './nab-score.ts'

/** Scores `DIR/data` against `DIR/windows.json`. Throws when either is missing or does not fit the other. */
export async function runNab(
  directory: string,
  detector: SeriesDetectorOptions,
  onFile: (name: string, line: string) => void,
): Promise<NabResult> {
  const windows: Record<string, [string, string][]> = JSON.parse(readFileSync(join(directory, 'windows.json'), 'utf8'))
  const output = mkdtempSync(join(tmpdir(), 'lapwing-nab-'))
  try {
    await scoreFiles({ input: join(directory, 'data'), output, detector, onProgress: () => {} })
    const files = Object.entries(windows).map(([name, limits]) => readScored(join(output, name), limits))
    for (const [i, name] of Object.keys(windows).entries()) onFile(name, JSON.stringify(scoreFile(files[i]!)))
    return scoreNab(files)
  } finally {
    rmSync(output, { recursive: true })
  }
}

function readScored(path: string, limits: readonly [string, string][]): ScoredFile {
  const rows = readFileSync(path, 'utf8').trimEnd().split('\n').slice(1)
  return {
    timestampsMs: rows.map((row) => timeOf(row.slice(0, row.indexOf(',')))),
    detected: rows.map((row) => row.endsWith(',1')),
    windowsMs: limits.map(([first, last]) => [timeOf(first), timeOf(last)]),
  }
}

function timeOf(text: string): number {
  return Date.parse(`${text.slice(0, 19).replace(' ', 'T')}Z`)
}
