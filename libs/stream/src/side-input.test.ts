/** Records of another topic in a stage with state: wherever it dies, no output is ever told in two versions. */
import { DecodeError, decode } from '@lapwing/contracts/codec'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { wrappedLog } from '../testing/wrapped-log.ts'
import { LogError } from './errors.ts'
import { createInProcessLog } from './in-process-log.ts'
import type { Consumption, Log } from './log.ts'
import type { SideInput } from './side-input.ts'
import { runStatefulStage, type StateEvent, type StatefulStep } from './stateful-stage.ts'

const partitions = 2
const observer = { batch: () => {}, deadLetter: () => {}, assigned: () => {} }
const own: SideInput = { topic: 'side', partitions: 'own', intervalMs: 0 }

/** Tells, for each record, what the side records have added up to. */
function addingStep(): StatefulStep {
  let sum = 0
  let isChanged = false
  return {
    process: ({ partition, offset }, emit) => {
      emit({ topic: 'out', partition, key: null, value: Buffer.from(`${partition}/${offset}=${sum}`) })
    },
    apply: ({ value }) => {
      if (value!.length !== 1) throw new DecodeError('malformed', 'one byte')
      sum += value![0]!
      isChanged = true
    },
    takeChanged: () => {
      const changed = isChanged ? [{ key: Buffer.from('sum'), snapshot: Buffer.from([sum]) }] : []
      isChanged = false
      return changed
    },
    restore: (_, snapshot) => {
      sum = snapshot[0]!
    },
  }
}

async function openLog(): Promise<Log> {
  const log = createInProcessLog()
  const of = (topic: string, cleanup: 'delete' | 'compact') => ({ topic, partitions, cleanup, retentionMs: undefined })
  await log.ensureTopics([
    of('in', 'delete'),
    of('out', 'delete'),
    of('dead', 'delete'),
    of('state', 'compact'),
    of('side', 'compact'),
  ])
  return log
}

interface Running {
  readonly consumption: Consumption
  readonly events: StateEvent[]
  readonly failures: Error[]
}

interface StartOptions {
  readonly intervalMs?: number
  readonly side?: SideInput
}

async function start(log: Log, { intervalMs = 0, side = own }: StartOptions = {}): Promise<Running> {
  const events: StateEvent[] = []
  const failures: Error[] = []
  const consumption = await runStatefulStage({
    log,
    group: 'adder',
    input: 'in',
    sideInputs: [side],
    deadLetters: 'dead',
    service: 'test',
    state: { topic: 'state', version: 1, configHash: 'a', intervalMs },
    createStep: async () => addingStep(),
    observer,
    onState: (event) => events.push(event),
    onFatal: (error) => failures.push(error),
  })
  return { consumption, events, failures }
}

async function write(log: Log, topic: 'in' | 'side', value: number | Buffer, partition = 0): Promise<void> {
  const producer = await log.producer()
  const bytes = typeof value === 'number' ? Buffer.from([value]) : value
  await producer.send([{ topic, partition, key: Buffer.from(`${Math.random()}`), value: bytes }])
}

/** One after the other, each when the last one was answered. */
async function writeEach(log: Log, count: number): Promise<void> {
  for (const end = (await log.readToEnd('in', 0)).length + count; ; ) {
    const written = (await log.readToEnd('in', 0)).length
    await until(async () => expect((await versions(log)).filter((text) => text.startsWith('0/'))).toHaveLength(written))
    if (written === end) return
    await write(log, 'in', 0)
  }
}

const outputs = async (log: Log) => (await log.readToEnd('out')).map(({ value }) => Buffer.from(value!).toString())
const versions = async (log: Log) => [...new Set(await outputs(log))]
const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 2 })

describe('a side input', () => {
  test('takes effect before the next record, and what was applied where is in the checkpoint', async () => {
    const log = await openLog()
    const stage = await start(log, { intervalMs: 1e9 })
    await write(log, 'in', 0)
    await until(async () => expect(await outputs(log)).toEqual(['0/0=0']))
    await write(log, 'side', 7)
    await write(log, 'in', 0)
    await until(async () => expect(await outputs(log)).toEqual(['0/0=0', '0/1=7']))
    expect(stage.events).toContainEqual({ kind: 'applied', partition: 0, records: 1, sourceOffset: 0n })
    const marker = (await log.readToEnd('state', 0)).at(-1)!
    expect(decode('StateMarker', marker.value!)).toMatchObject({
      sourceOffset: 0,
      sidePositions: [{ topic: 'side', partition: 0, nextOffset: 1 }],
    })
    await stage.consumption.stop()
  })

  test('of its own partition leaves the others alone; of all partitions reaches everyone', async () => {
    const log = await openLog()
    const first = await start(log)
    await write(log, 'side', 7, 1)
    await write(log, 'in', 0, 0)
    await until(async () => expect(await outputs(log)).toEqual(['0/0=0']))
    await first.consumption.stop()
    const second = await start(log, { side: { ...own, partitions: 'all' } })
    await writeEach(log, 2)
    expect(await outputs(log)).toContain('0/2=7')
    await second.consumption.stop()
  })

  test('that may wait does so for the checkpoint that comes anyway', async () => {
    const log = await openLog()
    const stage = await start(log, { intervalMs: 1e9, side: { ...own, intervalMs: 1e9 } })
    await write(log, 'side', 7)
    await writeEach(log, 3)
    expect(await outputs(log)).toEqual(['0/0=0', '0/1=0', '0/2=0'])
    await stage.consumption.stop()
  })

  test('is not applied twice, whoever goes on', async () => {
    const log = await openLog()
    await write(log, 'side', 7)
    for (let turn = 0; turn < 3; turn++) {
      const stage = await start(log)
      await writeEach(log, 2)
      await stage.consumption.stop()
    }
    expect((await outputs(log)).slice(1)).toEqual(['0/1=7', '0/2=7', '0/3=7', '0/4=7', '0/5=7'])
  })

  test('that is damaged goes to the dead letters, and its neighbours take effect', async () => {
    const log = await openLog()
    await write(log, 'side', Buffer.from([1, 2]))
    await write(log, 'side', 7)
    const stage = await start(log)
    await writeEach(log, 2)
    expect(await outputs(log)).toEqual(['0/0=0', '0/1=7'])
    const letters = (await log.readToEnd('dead')).map(({ value }) => decode('DeadLetter', value!))
    expect(letters).toMatchObject([{ reason: 'malformed', topic: 'side', offset: 0 }])
    await stage.consumption.stop()
  })

  test('whose checkpoint fails has not taken effect, or has for good', async () => {
    for (const tookEffect of [false, true]) {
      const inner = await openLog()
      let fails = true
      const log = wrappedLog(inner, {
        fencedProducer: async (id) => {
          const producer = await inner.fencedProducer(id)
          const commit: typeof producer.commit = async (records) => {
            const failing = fails && records.length > 1
            if (failing) fails = false
            if (!failing || tookEffect) await producer.commit(records)
            if (failing) throw new LogError('timeout')
          }
          return { ...producer, commit }
        },
      })
      const stage = await start(log, { intervalMs: 1e9 })
      await write(inner, 'in', 0)
      await until(async () => expect(await outputs(inner)).toEqual(['0/0=0']))
      await write(inner, 'side', 7)
      await write(inner, 'in', 0)
      // What was applied for certain is there at once; what was not has to wait for the end of what an owner may have told.
      await until(async () => expect(await versions(inner)).toEqual(['0/0=0', tookEffect ? '0/1=7' : '0/1=0']))
      await writeEach(inner, 1)
      expect((await versions(inner)).at(-1)).toBe('0/2=7')
      expect(fails).toBe(false)
      await stage.consumption.stop()
    }
  })

  test('an owner that slept while it sent tells nothing else than its successor', async () => {
    const inner = await openLog()
    const sleeper = ownMember(inner)
    const first = await start(sleeper.log, { intervalMs: 1e9 })
    await write(inner, 'in', 0)
    await until(async () => expect(await outputs(inner)).toHaveLength(1))
    const wake = sleeper.sleep()
    await write(inner, 'in', 0)
    await write(inner, 'in', 0)
    await until(async () => expect(sleeper.asleep()).toBe(true))
    await write(inner, 'side', 7)
    const second = await start(ownMember(inner).log)
    await until(async () => expect(await outputs(inner)).toContain('0/2=0'))
    await write(inner, 'in', 0)
    await until(async () => expect(await outputs(inner)).toContain('0/3=7'))
    wake()
    await until(async () => expect((await outputs(inner)).filter((text) => text === '0/1=0')).toHaveLength(2))
    expect((await versions(inner)).toSorted()).toEqual(['0/0=0', '0/1=0', '0/2=0', '0/3=7'])
    const fenced = { kind: 'unwritten', partition: 0, error: expect.objectContaining({ code: 'fenced' }) }
    await until(async () => expect(first.events).toContainEqual(fenced))
    await Promise.allSettled([first.consumption.stop(), second.consumption.stop()])
    expect((await versions(inner)).toSorted()).toEqual(['0/0=0', '0/1=0', '0/2=0', '0/3=7'])
    expect(first.failures).toEqual([])
  })

  test('whatever is written and whenever it stops or dies, every output has one version', async () => {
    const action = fc.constantFrom(
      'in' as const,
      'in' as const,
      'side' as const,
      'stop' as const,
      'die' as const,
      'wait' as const,
    )
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 25 }), fc.constantFrom(0, 3, 1e9), async (actions, intervalMs) => {
        const log = await openLog()
        const zombies: Running[] = []
        let running = await start(log, { intervalMs })
        const written = { in: 0, side: 0 }
        for (const step of actions) {
          if (step === 'in' || step === 'side') {
            await write(log, step, step === 'side' ? 1 : 0)
            written[step]++
          } else if (step === 'wait') await until(async () => expect(await versions(log)).toHaveLength(written.in))
          else {
            if (step === 'stop') await running.consumption.stop()
            else zombies.push(running)
            running = await start(log, { intervalMs })
          }
        }
        await writeEach(log, 2)
        expect(await versions(log)).toContain(`0/${written.in + 1}=${written.side}`)
        const sums = (await versions(log)).map((text) => text.split(/[/=]/).map(Number)).sort((a, b) => a[1]! - b[1]!)
        expect(sums.map(([, offset]) => offset)).toEqual(Array.from({ length: written.in + 2 }, (_, offset) => offset))
        expect(sums.map(([, , sum]) => sum)).toEqual(sums.map(([, , sum]) => sum!).toSorted((a, b) => a - b))
        for (const one of [...zombies, running]) await one.consumption.stop()
      }),
      { numRuns: 40 },
    )
  })
})

/** A log as a process sees it that is alone in its group and can fall asleep while it sends: what it had in hand, it sends later. */
function ownMember(inner: Log): { log: Log; sleep: () => () => void; asleep: () => boolean } {
  let gate: Promise<void> | undefined
  let isAsleep = false
  const log = wrappedLog(inner, {
    consume: (options) => inner.consume({ ...options, group: `${Math.random()}` }),
    producer: async () => {
      const producer = await inner.producer()
      const send: typeof producer.send = async (records) => {
        isAsleep = gate !== undefined
        await gate
        await producer.send(records)
      }
      return { ...producer, send }
    },
  })
  const sleep = () => {
    let wake = () => {}
    gate = new Promise((resolve) => {
      wake = () => {
        gate = undefined
        resolve()
      }
    })
    return wake
  }
  return { log, sleep, asleep: () => isAsleep }
}
