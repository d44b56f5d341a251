import type { OutgoingRecord } from '@lapwing/stream/log'
import { describe, expect, test } from 'vitest'
import { groupedCommits } from './grouped-commits.ts'

const record = (partition: number): OutgoingRecord => ({ topic: 't', partition, key: null, value: null })

/** A producer whose transactions end when they are told to, in turn. */
function slowProducer() {
  const begun: { partitions: number[]; end: (error?: Error) => void }[] = []
  const commit = (records: readonly OutgoingRecord[]) =>
    new Promise<void>((resolve, reject) => {
      const end = (error?: Error) => (error ? reject(error) : resolve())
      begun.push({ partitions: records.map(({ partition }) => partition), end })
    })
  return { begun, commit }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('grouped commits', () => {
  test('the first goes at once, what comes meanwhile goes together', async () => {
    const producer = slowProducer()
    const commit = groupedCommits(producer)
    const first = commit([record(1)])
    await settled()
    const [second, third] = [commit([record(2)]), commit([record(3), record(4)])]
    await settled()
    expect(producer.begun.map(({ partitions }) => partitions)).toEqual([[1]])
    producer.begun[0]!.end()
    await first
    await settled()
    expect(producer.begun.map(({ partitions }) => partitions)).toEqual([[1], [2, 3, 4]])
    producer.begun[1]!.end()
    await Promise.all([second, third])
  })

  test('a failure is that of its group only', async () => {
    const producer = slowProducer()
    const commit = groupedCommits(producer)
    const first = commit([record(1)])
    await settled()
    const second = commit([record(2)])
    producer.begun[0]!.end(new Error('gone'))
    await expect(first).rejects.toThrow('gone')
    await settled()
    producer.begun[1]!.end()
    await expect(second).resolves.toBeUndefined()
  })
})
