import { decode, encode } from '@lapwing/contracts/codec'
import { entityKey, sortedLabels } from '@lapwing/contracts/series'
import { entityScopeOf } from '@lapwing/models/control-decision'
import type { Log } from '@lapwing/stream/log'
import { wrappedLog } from '@lapwing/stream/testing/wrapped-log'
import { describe, expect, test } from 'vitest'
import { openLog, send } from '../../testing/registry-owner.ts'
import { sampleRecord } from '../../testing/sample-batch.ts'
import { readEntitiesSeen } from './entities-seen.ts'

const scopeOf = (instance: string) =>
  entityScopeOf(entityKey(sortedLabels([['instance', instance]]), ['instance']).toString('hex'))

async function logOf(...instances: readonly string[]): Promise<Log> {
  const log = await openLog()
  for (const instance of instances) await send(log, 'samples', sampleRecord([{ labels: { instance }, samples: [[1, 1]] }]).value!)
  return log
}

async function seen(log: Log, from: number, ...instances: readonly string[]): Promise<string[]> {
  const { isSeen } = await readEntitiesSeen(log, 'samples', 0, from, new Set(instances.map(scopeOf)))
  return instances.filter((instance) => isSeen(scopeOf(instance)))
}

describe('entities that samples came of', () => {
  test('are those of live batches since the last look', async () => {
    const log = await logOf('a', 'b')
    await send(log, 'samples', sampleRecord([{ labels: { instance: 'c' }, samples: [[1, 1]] }], { kind: 'history' }).value!)
    await send(log, 'samples', Buffer.from('broken'))
    const { value } = sampleRecord([{ labels: { instance: 'd' }, samples: [[1, 1]] }])
    const batch = decode('SampleBatch', value!)
    const withoutEntities = { ...batch, series: { ...batch.series, entities: Buffer.alloc(0) } }
    await send(log, 'samples', encode('SampleBatch', withoutEntities))
    expect(await seen(log, 0, 'a', 'b', 'c', 'd')).toEqual(['a', 'b'])
    expect(await seen(log, 1, 'a', 'b', 'c', 'd')).toEqual(['b'])
    expect((await readEntitiesSeen(log, 'samples', 0, 1, new Set())).nextOffset).toBe(5)
  })

  test('are all of them when there was no look before, or the samples since are not on the topic', async () => {
    const log = await logOf('a', 'b')
    const offsets = async (topic: string) => (await log.offsets(topic)).map(({ next }) => ({ earliest: 1n, next }))
    const cut = wrappedLog(log, { offsets })
    expect(await seen(cut, 0, 'a', 'd')).toEqual(['a', 'd'])
    expect(await seen(cut, 1, 'a', 'd')).toEqual([])
    expect(await seen(log, -1, 'd')).toEqual(['d'])
    expect(await seen(log, 3, 'd')).toEqual(['d'])
  })

  test('are read no further than to where all have been found', async () => {
    const log = await logOf('a', ...Array(2000).fill('b'))
    let read = 0
    const counting = wrappedLog(log, {
      readRange: async function* (topic, partition, from, to) {
        for await (const records of log.readRange(topic, partition, from, to)) {
          read += records.length
          yield records
        }
      },
    })
    expect(await seen(counting, 0, 'a')).toEqual(['a'])
    expect(read).toBeLessThan(2000)
  })
})
