/** The mutes that were given on the page: read from their topic, and taken back there. */
import { decodeIfReadable, encode } from '@lapwing/contracts/codec'
import type { Mute } from '@lapwing/contracts/records'
import { topicName } from '@lapwing/contracts/topics'
import { visible } from '../terminal/text-table.ts'
import type { Deployment } from '../topics/open-log.ts'
import { unlessAbsent } from '../topics/unless-absent.ts'
import { UserError } from '../user-error.ts'

/** Those that have neither ended nor been taken back, in the order in which they were given; none where there is no such topic. */
export async function recordedMutes({ log, prefix }: Deployment, nowMs: number): Promise<readonly Mute[]> {
  const newest = new Map<string, Mute>()
  for (const { key, value } of (await unlessAbsent(log.readToEnd(topicName(prefix, 'mutes')))) ?? []) {
    const id = Buffer.from(key ?? []).toString()
    // What cannot be read mutes nobody, and neither does what it took the place of.
    const mute = decodeIfReadable('Mute', value)
    if (mute) newest.set(id, mute)
    else newest.delete(id)
  }
  return [...newest.values()].filter(({ endsAtMs, liftedAtMs }) => liftedAtMs === null && endsAtMs > nowMs)
}

export interface Lift {
  /** As the person typed it: an id, or how it begins. */
  readonly id: string
  readonly author: string
  readonly nowMs: number
}

/** Rejects with a UserError when there is no such mute, or more than one. */
export async function liftMute(deployment: Deployment, { id, author, nowMs }: Lift): Promise<void> {
  const { log, prefix, write } = deployment
  const mute = onlyOne(await recordedMutes(deployment, nowMs), id)
  const lifted = { ...mute, liftedBy: author, liftedAtMs: nowMs }
  const producer = await log.producer()
  // All mutes are on one partition: their order is one for everybody.
  await producer
    .send([{ topic: topicName(prefix, 'mutes'), partition: 0, key: Buffer.from(mute.id), value: encode('Mute', lifted) }])
    .finally(() => producer.close())
  write(visible(`${mute.id}, given by ${mute.author}, is taken back by ${author}.`).concat('\n'))
}

function onlyOne(mutes: readonly Mute[], id: string): Mute {
  const found = mutes.filter((mute) => mute.id === id || (id.length >= 6 && mute.id.startsWith(id)))
  const [only, ...others] = found
  if (!only) throw new UserError(`No mute in force is called ${JSON.stringify(id)}; \`lapwing mute list\` shows their names.`)
  if (others.length === 0) return only
  throw new UserError(
    `${found.length} mutes have an id that begins with ${id}; name more digits:\n${found.map((mute) => `  ${mute.id}`).join('\n')}`,
  )
}
