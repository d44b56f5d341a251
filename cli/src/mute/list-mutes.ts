/** `lapwing mute list` */
import { readMutesFile } from '@lapwing/alerter/mutes-file'
import { matchersText } from '@lapwing/alerting/matcher'
import { isInForce, type Mute } from '@lapwing/alerting/mute'
import { type Column, jsonLine, textTable } from '../terminal/text-table.ts'

const columns: readonly Column[] = [
  { heading: 'ID', align: 'left', maxCharacters: 40 },
  { heading: 'NOW', align: 'left' },
  { heading: 'FROM', align: 'left' },
  { heading: 'UNTIL', align: 'left' },
  { heading: 'MATCHERS', align: 'left', maxCharacters: 60 },
  { heading: 'AUTHOR', align: 'left', maxCharacters: 20 },
  { heading: 'COMMENT', align: 'left', maxCharacters: 60 },
]

/** Throws ConfigError for a file that the alerter would refuse. */
export function listMutes(file: string, json: boolean, nowMs: number, write: (text: string) => void): void {
  const rows = readMutesFile(file, nowMs).map((mute) => rowOf(mute, nowMs))
  if (json) write(rows.map(jsonLine).join(''))
  else if (rows.length === 0) write(`${file} has no mutes.\n`)
  else
    write(
      textTable(
        columns,
        rows.map(({ id, now, from, until, matchers, author, comment }) => [id, now, from, until, matchers, author, comment]),
      ),
    )
}

function rowOf(mute: Mute, nowMs: number) {
  const { id, author, comment } = mute
  return {
    id,
    now: stateOf(mute, nowMs),
    from: new Date(mute.startsAtMs).toISOString(),
    until: new Date(mute.endsAtMs).toISOString(),
    matchers: matchersText(mute.matchers),
    ...{ author, comment },
  }
}

function stateOf(mute: Mute, nowMs: number): 'over' | 'later' | 'in force' | 'between times' {
  if (nowMs >= mute.endsAtMs) return 'over'
  if (nowMs < mute.startsAtMs) return 'later'
  return isInForce(mute, nowMs) ? 'in force' : 'between times'
}
