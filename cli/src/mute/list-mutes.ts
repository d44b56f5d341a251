/** `lapwing mute list` */
import { readMutesFile } from '@lapwing/alerter/mutes-file'
import { matchersText } from '@lapwing/alerting/matcher'
import { isInForce, type Mute } from '@lapwing/alerting/mute'
import type { Mute as MuteRecord } from '@lapwing/contracts/records'
import { type Column, jsonLine, textTable } from '../terminal/text-table.ts'

const columns: readonly Column[] = [
  { heading: 'ID', align: 'left', maxCharacters: 40 },
  { heading: 'NOW', align: 'left' },
  { heading: 'FROM', align: 'left' },
  { heading: 'UNTIL', align: 'left' },
  { heading: 'MATCHERS', align: 'left', maxCharacters: 60 },
  { heading: 'AUTHOR', align: 'left', maxCharacters: 20 },
  { heading: 'COMMENT', align: 'left', maxCharacters: 60 },
  { heading: 'GIVEN', align: 'left' },
]

export interface MuteRow {
  readonly id: string
  readonly now: 'over' | 'later' | 'in force' | 'between times'
  readonly from: string
  readonly until: string
  readonly matchers: string
  readonly author: string
  readonly comment: string
  /** Where it was given: `file`, or what the record says, `page`. */
  readonly origin: string
}

/** Throws ConfigError for a file that the alerter would refuse. */
export function rowsOfFile(file: string, nowMs: number): readonly MuteRow[] {
  return readMutesFile(file, nowMs).map((mute) => rowOf(mute, stateOf(mute, nowMs), 'file'))
}

/** @param mutes those that are not over */
export function rowsOfRecords(mutes: readonly MuteRecord[], nowMs: number): readonly MuteRow[] {
  return mutes.map((mute) => rowOf(mute, nowMs < mute.startsAtMs ? 'later' : 'in force', mute.origin))
}

export function mutesText(rows: readonly MuteRow[], json: boolean): string {
  if (json) return rows.map(jsonLine).join('')
  if (rows.length === 0) return 'No mutes.\n'
  return textTable(
    columns,
    rows.map(({ id, now, from, until, matchers, author, comment, origin }) => [
      ...[id, now, from, until, matchers, author, comment, origin],
    ]),
  )
}

function rowOf(mute: Mute | MuteRecord, now: MuteRow['now'], origin: string): MuteRow {
  const { id, author, comment } = mute
  return {
    ...{ id, now, author, comment, origin },
    from: new Date(mute.startsAtMs).toISOString(),
    until: new Date(mute.endsAtMs).toISOString(),
    matchers: matchersText(mute.matchers),
  }
}

function stateOf(mute: Mute, nowMs: number): MuteRow['now'] {
  if (nowMs >= mute.endsAtMs) return 'over'
  if (nowMs < mute.startsAtMs) return 'later'
  return isInForce(mute, nowMs) ? 'in force' : 'between times'
}
