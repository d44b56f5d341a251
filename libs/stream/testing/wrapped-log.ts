/** A log with some of its members replaced, for tests that let one thing go wrong. */
import type { Log } from '../src/log.ts'

export function wrappedLog(log: Log, replaced: Partial<Log>): Log {
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
    ...replaced,
  }
}
