/** A log of which some members behave otherwise, to force what a healthy log never does. */
import type { Log } from '@lapwing/stream/log'

export function alteredLog(log: Log, changes: Partial<Log>): Log {
  return {
    kind: log.kind,
    ensureTopics: (specs) => log.ensureTopics(specs),
    partitionCount: (topic) => log.partitionCount(topic),
    producer: () => log.producer(),
    fencedProducer: (fenceId) => log.fencedProducer(fenceId),
    consume: (options) => log.consume(options),
    follow: (options) => log.follow(options),
    readToEnd: (topic, partition) => log.readToEnd(topic, partition),
    readRange: (topic, partition, from, to) => log.readRange(topic, partition, from, to),
    offsets: (topic) => log.offsets(topic),
    close: () => log.close(),
    ...changes,
  }
}
