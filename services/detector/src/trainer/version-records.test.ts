import { encode } from '@lapwing/contracts/codec'
import { emptyModel } from '@lapwing/models/registry'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log } from '@lapwing/stream/log'
import { wrappedLog } from '@lapwing/stream/testing/wrapped-log'
import { describe, expect, onTestFinished, test } from 'vitest'
import { VersionRecords } from './version-records.ts'

async function openModels() {
  const inner = createInProcessLog()
  onTestFinished(() => inner.close())
  await inner.ensureTopics([{ topic: 'models', partitions: 1, retentionMs: undefined, cleanup: 'compact' }])
  const read: string[] = []
  const log: Log = wrappedLog(inner, {
    async *readRange(topic, partition, from, to) {
      for await (const records of inner.readRange(topic, partition, from, to)) {
        read.push(...records.map(({ offset }) => String(offset)))
        yield records
      }
    },
  })
  const write = async (modelId: string, weights: string | null) => {
    const producer = await inner.producer()
    const value = weights === null ? null : encode('Model', { ...emptyModel, modelId, weights: Buffer.from(weights) })
    await producer.send([{ topic: 'models', partition: 0, key: Buffer.from(modelId), value }])
    await producer.close()
  }
  return { log, write, read }
}

describe('records of versions', () => {
  test('a version is read without the others, and each record is passed once', async () => {
    const { log, write, read } = await openModels()
    for (const id of ['a', 'b', 'c']) await write(id, `of ${id}`)
    const versions = new VersionRecords(log, 'models', 0)
    const passed: bigint[] = []
    await versions.catchUp(({ offset }) => passed.push(offset))
    expect(passed).toEqual([0n, 1n, 2n])
    read.length = 0
    expect((await versions.read('b'))?.weights?.toString()).toBe('of b')
    expect((await versions.read('b'))?.weights?.toString()).toBe('of b')
    expect(read).toEqual(['1', '1'])
    await write('b', 'newer')
    read.length = 0
    expect((await versions.read('b'))?.weights?.toString()).toBe('newer')
    expect(read).toEqual(['3', '3'])
  })

  test('what was never written or was removed is not there', async () => {
    const { log, write } = await openModels()
    await write('a', 'of a')
    const versions = new VersionRecords(log, 'models', 0)
    expect(await versions.read('b')).toBeUndefined()
    await write('a', null)
    expect(await versions.read('a')).toBeUndefined()
  })
})
