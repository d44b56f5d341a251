/** Records of a state topic with another input offset in every stamp, all else as it was; the digest fits again. */
import { createHash } from 'node:crypto'
import { decodeAny, encode } from '@lapwing/contracts/codec'
import type { StateMarker, StateSnapshot } from '@lapwing/contracts/records'
import type { LogRecord } from '@lapwing/stream/log'

export function restamped(records: readonly LogRecord[], sourceOffset: number): LogRecord[] {
  const newest = new Map<string, LogRecord>()
  for (const record of records) newest.set(Buffer.from(record.key!).toString('hex'), record)
  const found = [...newest].flatMap(([key, record]) => (record.value ? [{ key, record, content: decodeAny(record.value) }] : []))
  const keys = found.filter(({ content }) => content.name === 'StateSnapshot').map(({ key }) => key)
  const digest = createHash('sha256')
  for (const key of keys.sort()) digest.update(`${key}=${sourceOffset}\n`)
  const digestText = digest.digest('hex').slice(0, 32)
  return found.map(({ record, content }) => {
    if (content.name === 'StateSnapshot') {
      return { ...record, value: encode('StateSnapshot', { ...(content.record as StateSnapshot), sourceOffset }) }
    }
    return { ...record, value: encode('StateMarker', { ...(content.record as StateMarker), sourceOffset, digest: digestText }) }
  })
}
