import { LogError, type LogErrorCode } from '@lapwing/stream/errors'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log, OutgoingRecord } from '@lapwing/stream/log'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { type Committer, openCommitter } from './committer.ts'

const record: OutgoingRecord = { topic: 't', partition: 0, key: null, value: Buffer.from('x') }
const written = async (log: Log) => (await log.readToEnd('t')).map(({ value }) => Buffer.from(value ?? []).toString())

/** A log whose fenced producers fail like this, one after the other, each before or after its records are on the log. */
async function failing(...failures: readonly { code: LogErrorCode; written: boolean }[]) {
  const log = createInProcessLog()
  await log.ensureTopics([{ topic: 't', partitions: 1, cleanup: 'delete', retentionMs: undefined }])
  const left = [...failures]
  const fencedProducer: Log['fencedProducer'] = async (fenceId) => {
    const producer = await log.fencedProducer(fenceId)
    const commit = async (records: readonly OutgoingRecord[]) => {
      const failure = left.shift()
      if (!failure || failure.written) await producer.commit(records)
      if (failure) throw new LogError(failure.code)
    }
    return { commit, send: commit, close: () => producer.close() }
  }
  return { log, faulty: { fencedProducer } as Log }
}

const open = (log: Log, signal = new AbortController().signal): Promise<Committer> =>
  openCommitter({ log, fenceId: 'f', logger: pino({ enabled: false }), signal })

/** A committer on a log, and how many records each of its transactions had. */
async function counting() {
  const { log } = await failing()
  const transactions: number[] = []
  const fencedProducer: Log['fencedProducer'] = async (fenceId) => {
    const producer = await log.fencedProducer(fenceId)
    const commit = async (records: readonly OutgoingRecord[]) => {
      transactions.push(records.length)
      await producer.commit(records)
    }
    return { commit, send: commit, close: () => producer.close() }
  }
  return { log, transactions, committer: await open({ fencedProducer } as Log) }
}

const named = (name: string, bytes = 1): OutgoingRecord => ({ ...record, value: Buffer.from(name.padEnd(bytes, '.')) })

describe('a committer', () => {
  test('writes again after a failure of which nobody knows what became of it', async () => {
    const { log, faulty } = await failing({ code: 'timeout', written: true }, { code: 'unreachable', written: false })
    const committer = await open(faulty)
    await committer.commit([record])
    expect(await written(log)).toEqual(['x', 'x'])
  })

  test('gives up on what no waiting can cure', async () => {
    const { faulty } = await failing({ code: 'too_large', written: false })
    await expect((await open(faulty)).commit([record])).rejects.toMatchObject({ code: 'too_large' })
  })

  test('writes nothing once somebody else has taken over, and stops when told', async () => {
    const { log } = await failing()
    const stopping = new AbortController()
    const former = await open(log, stopping.signal)
    await open(log)
    const committing = former.commit([record])
    stopping.abort()
    await committing
    await former.close()
    expect(await written(log)).toEqual([])
  })

  test('puts together what comes in one turn and while a transaction is under way, in its order, up to a size', async () => {
    const { log, transactions, committer } = await counting()
    const first = committer.commit([named('a')])
    const together = committer.commit([named('b'), named('c')])
    await new Promise(setImmediate)
    const later = [[], [named('d', 200_000)], [named('e', 200_000)]].map((records) => committer.commit(records))
    await Promise.all([first, together, ...later])
    expect(transactions).toEqual([3, 1, 1])
    expect((await written(log)).map((text) => text[0])).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('takes what is not urgent along with what is, in its order', async () => {
    const { log, transactions, committer } = await counting()
    const soon = [committer.commitSoon([named('a')]), committer.commitSoon([named('b')])]
    await new Promise(setImmediate)
    expect(transactions).toEqual([])
    await committer.commit([named('c')])
    await Promise.all(soon)
    expect(transactions).toEqual([3])
    expect(await written(log)).toEqual(['a', 'b', 'c'])
  })

  test('writes what is not urgent by itself, and at the latest when it is closed', async () => {
    const { log, committer } = await counting()
    await committer.commitSoon([named('a')])
    void committer.commitSoon([named('b')])
    await committer.close()
    expect(await written(log)).toEqual(['a', 'b'])
  })
})
