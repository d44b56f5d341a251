/**
 * What happened to pods, followed from its topic, for messages about incidents.
 *
 * A message does not wait for it: what comes later than the message is in the next one, and on the page.
 */
import type { PodMemory } from '@lapwing/alerting/pod-context'
import { decodeIfReadable } from '@lapwing/contracts/codec'
import type { Consumption, Log } from '@lapwing/stream/log'
import type { Logger } from 'pino'

/** What happened to the pods that alerts are about. */
export type PodsOf = PodMemory['contextOf']

export interface PodSourceOptions {
  readonly log: Pick<Log, 'follow'>
  readonly topic: string
  readonly memory: Pick<PodMemory, 'add'>
  readonly logger: Logger
  onFatal(error: Error): void
}

/** Rejects with a LogError. */
export function followPods({ log, topic, memory, logger, onFatal }: PodSourceOptions): Promise<Consumption> {
  return log.follow({
    topics: [topic],
    from: 'earliest',
    onBatch: async ({ records }) => {
      for (const { value, partition, offset } of records) {
        const event = decodeIfReadable('PodEvent', value)
        if (event) memory.add(event)
        else logger.error({ partition, offset: String(offset) }, 'what happened to a pod is left out: it cannot be decoded')
      }
    },
    onFatal,
  })
}
