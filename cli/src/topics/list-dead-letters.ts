/** `lapwing topics dead-letters list`: reads all letters, keeps what is told of the newest. */

import { jsonLine } from '../terminal/text-table.ts'
import { type LetterSelection, type LetterSummary, letterTable, newestFirst, summaryOf } from './dead-letter.ts'
import type { Deployment } from './open-log.ts'
import { scanLetters } from './scan-letters.ts'

export interface ListOptions {
  readonly selection: LetterSelection
  /** At most so many letters are shown. */
  readonly limit: number
  readonly json: boolean
}

export async function listDeadLetters(deployment: Deployment, { selection, limit, json }: ListOptions): Promise<void> {
  let newest: LetterSummary[] = []
  let selected = 0
  for await (const found of scanLetters(deployment, selection)) {
    selected += found.length
    newest = newestFirst([...newest, ...found.map(({ record, letter }) => summaryOf(record, letter))], limit)
  }
  deployment.write(json ? newest.map(jsonLine).join('') : letterTable(newest, selected))
}
