/** Settings of the one-node broker, and the flags of its JVM. */
import { join } from 'node:path'

/** Any will do: the node never meets another. */
export const clusterId = 'bGFwd2luZ29uZW5vZGUwMA'

/** A quick start counts for more here than peak speed: no optimising compiler, the simplest collector. */
export const jvmFlags = [
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Djava.awt.headless=true',
]

/** The text of `server.properties`. What stands on the broker's own default is left out. */
export function serverProperties(
  dataDirectory: string,
  port: number,
  controllerPort: number,
  others: Readonly<Record<string, string>> = {},
): string {
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': join(dataDirectory, 'log'),
    'auto.create.topics.enable': false,
    // The topics of groups and transactions ask for three brokers and fifty partitions otherwise.
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'message.max.bytes': 16 * 1024 * 1024,
    'replica.fetch.max.bytes': 16 * 1024 * 1024,
    // The first member of a group would wait three seconds for others.
    'group.initial.rebalance.delay.ms': 0,
    // Compaction needs 128 MB of a small heap by default.
    'log.cleaner.dedupe.buffer.size': 32 * 1024 * 1024,
    ...others,
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${String(value).replaceAll('\\', '\\\\')}\n`)
    .join('')
}
