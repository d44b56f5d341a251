/** Writes a control record for models and waits until the owner of its partition has decided on it. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { decodeIfReadable, encode } from '@lapwing/contracts/codec'
import type { Control } from '@lapwing/contracts/records'
import { topicName } from '@lapwing/contracts/topics'
import { personName } from '@lapwing/models/control-decision'
import type { ModelRegistry } from '@lapwing/models/registry'
import type { Deployment } from '../topics/open-log.ts'
import { UserError } from '../user-error.ts'
import { readRegistry } from './read-registry.ts'

export interface Asked {
  readonly kind: Control['kind']
  readonly scope: string
  readonly reason: string
  readonly partition: number
  readonly atMs: number
}

/** The registry after the decision, and the id of the record. Rejects with a UserError when nobody decides within the deadline. */
export async function askControl(
  { log, prefix }: Deployment,
  { kind, scope, reason, partition, atMs }: Asked,
): Promise<{ id: string; registry: ModelRegistry }> {
  const topic = topicName(prefix, 'control')
  const control: Control = {
    id: randomUUID().replaceAll('-', ''),
    kind,
    scope,
    reason,
    detector: personName,
    statistic: 0,
    threshold: 0,
    seriesKey: '',
    labels: [],
    requestedBy: personName,
    requestedAtMs: atMs,
  }
  const from = (await log.offsets(topic))[partition]!.next
  const producer = await log.producer()
  await producer.send([{ topic, partition, key: Buffer.from(scope), value: encode('Control', control) }])
  await producer.close()
  const offset = await offsetOf({ log, prefix }, partition, from, control.id)
  const endMs = performance.now() + decisionDeadlineMs
  while (performance.now() < endMs) {
    const registry = await readRegistry({ log, prefix }, partition)
    if (registry.position >= offset) return { id: control.id, registry }
    await delay(pollMs)
  }
  throw new UserError(
    `Written to ${topic}, but no trainer decided on it within ${decisionDeadlineMs / 1000} s: is one running? It is decided on when one is.`,
  )
}

const decisionDeadlineMs = 20_000
const pollMs = 200

async function offsetOf(
  { log, prefix }: Pick<Deployment, 'log' | 'prefix'>,
  partition: number,
  from: bigint,
  id: string,
): Promise<number> {
  const topic = topicName(prefix, 'control')
  const { next } = (await log.offsets(topic))[partition]!
  for await (const records of log.readRange(topic, partition, from, next)) {
    for (const { offset, value } of records) if (decodeIfReadable('Control', value)?.id === id) return Number(offset)
  }
  return Number(next) - 1
}
