/**
 * Which entities live samples came of, from the samples topic. It is read from where the last look ended, and no further than to where all have been found: while
 * nobody is gone, a look is a few records long.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { decodeIfReadable } from '@lapwing/contracts/codec'
import { ColumnError } from '@lapwing/contracts/columns'
import type { SampleBatch } from '@lapwing/contracts/records'
import { entityText, seriesCount } from '@lapwing/contracts/series-table'
import { entityScopeOf } from '@lapwing/models/control-decision'
import type { Log } from '@lapwing/stream/log'

export interface EntitiesSeen {
  /** True for all of them when a part of the samples is no longer on the topic. */
  isSeen(scope: string): boolean
  /** Where the next look begins. */
  readonly nextOffset: number
}

/**
 * Rejects with a LogError.
 *
 * @param fromOffset -1 when there was no look before
 * @param scopes of the entities that are looked for
 */
export async function readEntitiesSeen(
  log: Log,
  topic: string,
  partition: number,
  fromOffset: number,
  scopes: ReadonlySet<string>,
): Promise<EntitiesSeen> {
  const { earliest, next } = (await log.offsets(topic))[partition]!
  const nextOffset = Number(next)
  if (fromOffset < 0 || fromOffset > nextOffset || BigInt(fromOffset) < earliest) return { isSeen: () => true, nextOffset }
  const missing = new Set(scopes)
  for await (const records of log.readRange(topic, partition, BigInt(fromOffset), next)) {
    for (const { value } of records) takeOut(missing, value)
    if (missing.size === 0) break
    await nextTurn()
  }
  return { isSeen: (scope) => !missing.has(scope), nextOffset }
}

/** What cannot be read was told as a dead letter by whoever streams it. */
function takeOut(missing: Set<string>, value: Uint8Array | null): void {
  const batch = decodeIfReadable('SampleBatch', value)
  if (batch?.kind !== 'live') return
  try {
    for (const scope of scopesOf(batch)) missing.delete(scope)
  } catch (error) {
    if (!(error instanceof ColumnError)) throw error
  }
}

/** Throws a ColumnError when the columns do not fit together. */
function* scopesOf({ series }: SampleBatch): Generator<string> {
  for (let i = 0, count = seriesCount(series); i < count; i++) yield entityScopeOf(entityText(series, i))
}
