import { decode } from '@lapwing/contracts/codec'
import { ColumnError } from '@lapwing/contracts/columns'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { wrappedLog } from '../testing/wrapped-log.ts'
import { LogError } from './errors.ts'
import { createInProcessLog } from './in-process-log.ts'
import type { ConsumeOptions, Log, LogRecord, OutgoingRecord } from './log.ts'
import { runStage, type StageObserver, type Step } from './stage.ts'

/** On a machine that does other things, too. */
const until = <T>(check: () => T) => vi.waitFor(check, { timeout: 20_000, interval: 5 })

/** Repeats each record on `out`; what says `damaged` is not decodable, what says `bug` is our fault. */
const echo: Step = {
  process: (record, emit) => {
    const text = textOf(record)
    if (text.startsWith('damaged')) throw new ColumnError('does not fit')
    if (text === 'bug') throw new TypeError('a bug')
    emit({ topic: 'out', partition: record.partition, key: null, value: Buffer.from(`<${text}>`) })
  },
}

describe('a damaged record', () => {
  test('goes to the dead letters with its bytes, and its neighbours go on', async () => {
    const log = await createLog()
    const dead = vi.fn()
    await startStage(log, { observer: { ...silent, deadLetter: dead } })
    await send(log, 1, 'a', 'damaged', 'b')
    await until(async () => expect(await outputs(log)).toEqual(['<a>', '<b>']))
    const [letter, ...others] = await log.readToEnd('dead')
    expect(others).toEqual([])
    expect(letter!.partition).toBe(1)
    expect(decode('DeadLetter', letter!.value!)).toMatchObject({
      reason: 'malformed',
      error: 'does not fit',
      service: 'tester',
      topic: 'in',
      partition: 1,
      offset: 1,
      key: Buffer.from('key'),
      value: Buffer.from('damaged'),
    })
    expect(dead.mock.calls).toEqual([['in', 'malformed']])
  })

  test('that cannot be decoded keeps the reason of the codec', async () => {
    const log = await createLog()
    const step: Step = { process: (record) => void decode('Feedback', record.value!) }
    await startStage(log, { createStep: async () => step })
    await send(log, 0, 'no header')
    await until(async () => expect(await log.readToEnd('dead')).toHaveLength(1))
    const [letter] = await log.readToEnd('dead')
    expect(decode('DeadLetter', letter!.value!)).toMatchObject({ reason: 'not_framed', value: Buffer.from('no header') })
  })

  test('that is huge leaves its beginning', async () => {
    const log = await createLog()
    await startStage(log, {})
    await send(log, 0, `damaged${'x'.repeat(8_000_000)}`, 'next')
    await until(async () => expect(await outputs(log)).toEqual(['<next>']))
    const [letter] = await log.readToEnd('dead')
    expect(letter!.value!.length).toBeLessThan(4_000_000)
    expect(decode('DeadLetter', letter!.value!).value?.toString()).toMatch(/^damagedx+$/)
  })
})

describe('an output that its topic does not take', () => {
  test('goes to the dead letters with its bytes, and its neighbours are written', async () => {
    const log = await createLog()
    const dead = vi.fn()
    const small = withProducer(log, async (records, send) => {
      if (records.some(({ topic, value }) => topic === 'out' && value!.length > 10)) throw new LogError('too_large')
      await send(records)
    })
    await startStage(small.log, { observer: { ...silent, deadLetter: dead } })
    await send(log, 1, 'a', 'x'.repeat(20), 'b')
    await until(async () => expect(await outputs(log)).toEqual(['<a>', '<b>']))
    const letters = (await log.readToEnd('dead')).map(({ value }) => decode('DeadLetter', value!))
    expect(letters).toMatchObject([{ reason: 'too_large', topic: 'out', partition: 1, offset: -1 }])
    expect(letters[0]!.value!.toString()).toBe(`<${'x'.repeat(20)}>`)
    expect(dead.mock.calls).toEqual([['out', 'too_large']])
  })
})

describe('the position', () => {
  test('does not pass a record whose outputs were not acknowledged', async () => {
    const log = await createLog()
    const refusing = withProducer(log, async () => {
      throw new LogError('unreachable')
    })
    const stage = await startStage(refusing.log, {})
    await send(log, 0, 'a', 'b')
    await until(() => expect(refusing.sent.length).toBeGreaterThan(0))
    await stage.stop()
    expect(await outputs(log)).toEqual([])
    await startStage(log, {})
    await until(async () => expect(await outputs(log)).toEqual(['<a>', '<b>']))
  })

  test('waits for a failed send to be repeated, and the step sees each record once', async () => {
    const log = await createLog()
    const seen: string[] = []
    const counting: Step = {
      process: (record, emit) => {
        seen.push(textOf(record))
        echo.process(record, emit)
      },
    }
    let failures = 0
    const flaky = withProducer(log, async (records, send) => {
      if (failures++ < 2) throw new LogError('timeout')
      await send(records)
    })
    await startStage(flaky.log, { createStep: async () => counting })
    await send(log, 0, 'a', 'b', 'c')
    await until(async () => expect(await outputs(log)).toEqual(['<a>', '<b>', '<c>']))
    expect(seen).toEqual(['a', 'b', 'c'])
    expect(failures).toBe(3)
  })

  test('is told as lag after each batch', async () => {
    const log = await createLog()
    const batch = vi.fn()
    await send(log, 0, 'a', 'b', 'c')
    await startStage(log, { observer: { ...silent, batch } })
    await until(() =>
      expect(batch).toHaveBeenCalledWith({
        topic: 'in',
        partition: 0,
        records: 3,
        durationMs: expect.any(Number),
        lagRecords: 0,
      }),
    )
  })
})

describe('a step', () => {
  test('is kept with its partition over a rebalance, and made anew where the partition goes', async () => {
    const log = await createLog()
    const created: string[] = []
    const createStep = (member: string) => async (partition: number) => {
      created.push(`${member}${partition}`)
      return echo
    }
    await startStage(log, { createStep: createStep('a') })
    await send(log, 0, 'x')
    await send(log, 1, 'x')
    await until(async () => expect(await outputs(log)).toHaveLength(2))
    const second = await startStage(log, { createStep: createStep('b') })
    await send(log, 0, 'y')
    await send(log, 1, 'y')
    await until(async () => expect(await outputs(log)).toHaveLength(4))
    expect(created).toEqual(['a0', 'a1', 'b1'])
    await second.stop()
    await send(log, 1, 'z')
    await until(async () => expect(await outputs(log)).toHaveLength(5))
    expect(created).toEqual(['a0', 'a1', 'b1', 'a1'])
  })

  test('that could not be made is tried again before its first record', async () => {
    const log = await createLog()
    const createStep = vi.fn(async () => echo).mockRejectedValueOnce(new LogError('not_leader'))
    await startStage(log, { createStep })
    await send(log, 0, 'a')
    await until(async () => expect(await outputs(log)).toEqual(['<a>']))
    expect(createStep).toHaveBeenCalledTimes(2)
  })

  test('that takes long to be made does not cost the session', async () => {
    const log = await createLog()
    const heartbeat = vi.fn(async () => undefined)
    const createStep = () => vi.waitUntil(() => heartbeat.mock.calls.length >= 2 && echo, { timeout: 20_000 })
    await startStage(withHeartbeat(log, heartbeat), { createStep })
    await send(log, 0, 'a')
    await until(async () => expect(await outputs(log)).toEqual(['<a>']))
  })

  test('with a bug ends the stage, and the record stays', async () => {
    const log = await createLog()
    const onFatal = vi.fn()
    await startStage(log, { onFatal })
    await send(log, 0, 'a', 'bug')
    await until(() => expect(onFatal.mock.calls).toEqual([[expect.objectContaining({ message: 'a bug' })]]))
    expect(await log.readToEnd('dead')).toEqual([])
  })
})

test('a stage that cannot consume closes its producer', async () => {
  const log = await createLog()
  const close = vi.fn(async () => undefined)
  const closing = wrappedLog(log, { producer: async () => ({ send: async () => undefined, close }) })
  await expect(startStage(closing, { inputs: ['absent'] })).rejects.toMatchObject({ code: 'unknown_topic' })
  expect(close).toHaveBeenCalledTimes(1)
})

const silent: StageObserver = { batch: () => undefined, deadLetter: () => undefined, assigned: () => undefined }

async function createLog(): Promise<Log> {
  const log = createInProcessLog()
  await log.ensureTopics(
    ['in', 'out', 'dead'].map((topic) => ({ topic, partitions: 2, cleanup: 'delete', retentionMs: undefined })),
  )
  onTestFinished(() => log.close())
  return log
}

async function startStage(log: Log, options: Partial<Parameters<typeof runStage>[0]>) {
  const onFatal = (error: Error) => expect.unreachable(error.message)
  const usual = {
    group: 'g',
    inputs: ['in'],
    deadLetters: 'dead',
    service: 'tester',
    createStep: async () => echo,
    observer: silent,
  }
  return runStage({ log, onFatal, ...usual, ...options })
}

async function send(log: Log, partition: number, ...values: string[]): Promise<void> {
  const producer = await log.producer()
  await producer.send(values.map((value) => ({ topic: 'in', partition, key: Buffer.from('key'), value: Buffer.from(value) })))
}

async function outputs(log: Log): Promise<string[]> {
  return (await log.readToEnd('out')).map(textOf)
}

/** The same log, but what its producers send passes through here. */
function withProducer(
  log: Log,
  pass: (records: readonly OutgoingRecord[], send: (records: readonly OutgoingRecord[]) => Promise<void>) => Promise<void>,
) {
  const sent: (readonly OutgoingRecord[])[] = []
  const producer = async () => {
    const real = await log.producer()
    const sendThrough = (records: readonly OutgoingRecord[]) => {
      sent.push(records)
      return pass(records, real.send)
    }
    return { send: sendThrough, close: real.close }
  }
  return { sent, log: wrappedLog(log, { producer }) }
}

function withHeartbeat(log: Log, heartbeat: () => Promise<void>): Log {
  const consume = (options: ConsumeOptions) =>
    log.consume({ ...options, onBatch: (batch, context) => options.onBatch(batch, { ...context, heartbeat }) })
  return wrappedLog(log, { consume })
}

function textOf({ value }: LogRecord): string {
  return Buffer.from(value!).toString()
}
