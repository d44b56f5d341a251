/** The rows as a table for a person, and as JSON for programs. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { RowResult } from './fault-row.ts'

const folder = fileURLToPath(new URL('../../../.cache/results/', import.meta.url))

export function writeResults(name: string, content: object): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}${name}.json`, `${JSON.stringify(content, undefined, 2)}\n`)
}

export function progressLine({ number, fault, seconds, violations, story = [] }: RowResult): string {
  const verdict = violations.length === 0 ? 'ok' : `FAILED: ${violations.join('; ')}`
  return [`  row ${number}, ${seconds.toFixed(0)} s: ${fault}: ${verdict}`, ...story.map((line) => `    ${line}`), ''].join('\n')
}

export function faultTable(results: readonly RowResult[]): string {
  const rows = results
    .toSorted((a, b) => a.number - b.number)
    .map((result) => [
      String(result.number),
      result.fault,
      String(result.samplesIn),
      String(result.learned),
      String(result.differing),
      `${result.anomaliesMissing}/${result.anomaliesExtra} of ${result.anomalies}`,
      `${result.repeats} (${result.repeatsBound ?? '-'})`,
      result.seconds.toFixed(0),
      result.violations.length === 0 ? 'ok' : 'FAILED',
    ])
  const all = [heading, ...rows]
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  return all.map((row) => row.map((cell, column) => pad(cell, widths[column]!, column)).join('  ')).join('\n')
}

const heading = ['row', 'fault', 'samples in', 'learned', 'scores differ', 'anomalies missing/extra', 'repeats (bound)', 's', '']
/** Text to the left, numbers to the right. */
const textColumns = new Set([1, 8])

function pad(cell: string, width: number, column: number): string {
  return textColumns.has(column) ? cell.padEnd(width) : cell.padStart(width)
}
