/** TLS, SCRAM, certificates of clients and ACLs, on a real broker that allows nothing else. */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type SecuredBroker, startSecuredBroker } from '@lapwing/kafka-server/testing/secured-broker'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { grantAll } from '../testing/grant.ts'
import { accessOf, type KafkaAccessSettings } from './kafka-access.ts'
import { createKafkaLog } from './kafka-log.ts'
import type { Log } from './log.ts'

const logger = { debug: () => {}, warn: () => {}, error: () => {} }
const secretOf = (text: string) => ({ reveal: () => text })
const passwords = { admin: 'canary-admin', writer: 'canary-writer' }

describe.skipIf(!inject('canStartKafka'))('a broker that lets in nobody in clear text', () => {
  let broker: SecuredBroker
  const topic = `secured-${randomUUID()}`
  const file = (name: string) => join(broker.folder, name)
  beforeAll(async () => {
    broker = await startSecuredBroker(passwords, ['reader'])
    await allow()
  }, 120_000)
  afterAll(() => broker?.stop())

  function open(address: string, settings: KafkaAccessSettings): Log {
    const log = createKafkaLog({ brokers: [address], clientId: 'test', logger, access: accessOf(settings) })
    onTestFinished(() => log.close())
    return log
  }
  const login = (username: keyof typeof passwords, password = passwords[username]): KafkaAccessSettings => ({
    tls: { ca_file: file('ca.pem') },
    sasl: { mechanism: 'scram-sha-512', username, password: secretOf(password) },
  })
  const certificate = (name: string): KafkaAccessSettings => ({
    tls: { ca_file: file('ca.pem'), cert_file: file(`${name}.pem`), key_file: file(`${name}.key`) },
  })

  /** `writer` may only write the topic, `CN=reader` may only read it. */
  async function allow(): Promise<void> {
    const log = createKafkaLog({ brokers: [broker.scram], clientId: 'test', logger, access: accessOf(login('admin')) })
    await log.ensureTopics([{ topic, partitions: 1, cleanup: 'delete', retentionMs: undefined }])
    await log.close()
    await grantAll(broker.scram, accessOf(login('admin')), [
      { principal: 'User:writer', on: 'topic', name: topic, operations: ['write'] },
      { principal: 'User:CN=reader', on: 'topic', name: topic, operations: ['read'] },
    ])
  }
  const send = async (log: Log, value: string) => {
    const producer = await log.producer()
    await producer.send([{ topic, partition: 0, key: null, value: Buffer.from(value) }])
  }

  test('a user with a password writes, a client with a certificate reads, and neither may do the other', async () => {
    const writer = open(broker.scram, login('writer'))
    const reader = open(broker.mutualTls, certificate('reader'))
    await send(writer, 'hello')
    expect((await reader.readToEnd(topic)).map(({ value }) => Buffer.from(value!).toString())).toEqual(['hello'])
    await expect(writer.readToEnd(topic)).rejects.toMatchObject({ code: 'unauthorised' })
    await expect(send(reader, 'no')).rejects.toMatchObject({ code: 'unauthorised' })
  })

  test('the password may stand in a file', async () => {
    writeFileSync(file('password'), `${passwords.writer}\n`)
    const sasl = { mechanism: 'scram-sha-512', username: 'writer', password_file: file('password') } as const
    await send(open(broker.scram, { tls: { ca_file: file('ca.pem') }, sasl }), 'again')
  })

  test('a wrong password is refused, and is not in the error', async () => {
    const error = await open(broker.scram, login('writer', 'canary-wrong'))
      .partitionCount(topic)
      .catch((failure: unknown) => failure)
    expect(error).toMatchObject({ code: 'unauthorised' })
    expect(`${error} ${(error as Error).stack} ${JSON.stringify(error)}`).not.toContain('canary')
  })

  test.each([
    ['in clear text', 'scram', (): KafkaAccessSettings => ({})],
    ['without the authority of the broker', 'scram', (): KafkaAccessSettings => ({ ...login('writer'), tls: {} })],
    ['without a certificate', 'mutualTls', (): KafkaAccessSettings => ({ tls: { ca_file: file('ca.pem') } })],
    ['with a certificate of a stranger', 'mutualTls', (): KafkaAccessSettings => certificate('stranger')],
  ] as const)('nobody gets in %s', async (_how, listener, settings) => {
    const asking = open(broker[listener], settings()).partitionCount(topic)
    await expect(asking).rejects.toMatchObject({ name: 'LogError' })
  })
})
