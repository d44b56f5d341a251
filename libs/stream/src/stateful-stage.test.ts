import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { wrappedLog } from '../testing/wrapped-log.ts'
import { LogError } from './errors.ts'
import { createInProcessLog } from './in-process-log.ts'
import type { Consumption, Log } from './log.ts'
import { PartitionState } from './partition-state.ts'
import { type NewBeginning, runStatefulStage, type StateEvent, type StatefulStep } from './stateful-stage.ts'

const partitions = 2
const observer = { batch: () => {}, deadLetter: () => {}, assigned: () => {} }

/** Counts what it sees per key and tells each count, and forgets a key behind a minus; nothing else could be more easily wrong after a restart. */
function countingStep(): StatefulStep {
  const counts = new Map<string, number>()
  const changed = new Set<string>()
  const forgotten: string[] = []
  return {
    process: ({ value, partition, offset }, emit) => {
      const key = Buffer.from(value!).toString()
      if (key.startsWith('-')) {
        counts.delete(key.slice(1))
        changed.delete(key.slice(1))
        forgotten.push(key.slice(1))
        return
      }
      counts.set(key, (counts.get(key) ?? 0) + 1)
      changed.add(key)
      emit({ topic: 'out', partition, key: null, value: Buffer.from(`${offset}:${key}=${counts.get(key)}`) })
    },
    takeChanged: () => {
      const states = [...changed].map((key) => ({ key: Buffer.from(key), snapshot: Buffer.from([counts.get(key)!]) }))
      changed.clear()
      return states
    },
    takeForgotten: () => forgotten.splice(0).map((key) => Buffer.from(key)),
    restore: (key, snapshot, version) => {
      if (snapshot.length !== 1) throw new RangeError('one byte')
      counts.set(Buffer.from(key).toString(), snapshot[0]! * unitOf[version]!)
    },
  }
}

/** What one stands for in the snapshots of each layout: the second counts in tens. */
const unitOf: Record<number, number> = { 1: 1, 2: 10 }

async function createTopics(log: Log): Promise<void> {
  const of = (topic: string, cleanup: 'delete' | 'compact') => ({ topic, partitions, cleanup, retentionMs: undefined })
  await log.ensureTopics([of('in', 'delete'), of('out', 'delete'), of('dead', 'delete'), of('state', 'compact')])
}

async function write(log: Log, keys: readonly string[], partition = 0): Promise<void> {
  const producer = await log.producer()
  for (const key of keys) await producer.send([{ topic: 'in', partition, key: null, value: Buffer.from(key) }])
}

interface Running {
  readonly events: StateEvent[]
  readonly failures: Error[]
  readonly consumption: Consumption
}

async function start(
  log: Log,
  { intervalMs = 0, configHash = 'a', version = 1, step = {} as Partial<StatefulStep> } = {},
): Promise<Running> {
  const events: StateEvent[] = []
  const failures: Error[] = []
  const consumption = await runStatefulStage({
    log,
    group: 'counter',
    input: 'in',
    deadLetters: 'dead',
    service: 'test',
    state: { topic: 'state', version, configHash, intervalMs },
    createStep: async () => ({ ...countingStep(), ...step }),
    observer,
    onState: (event) => events.push(event),
    onFatal: (error) => failures.push(error),
  })
  return { events, failures, consumption }
}

const outputs = async (log: Log) => (await log.readToEnd('out')).map(({ value }) => Buffer.from(value!).toString())
/** What remains when repetitions are dropped by their identity, which a later service does. */
const effects = async (log: Log) => [...new Set(await outputs(log))]
const until = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 5 })

describe('a stage with state', () => {
  test('goes on after an orderly stop as if nothing had happened', async () => {
    const log = createInProcessLog()
    await createTopics(log)
    await write(log, ['a', 'b', 'a'])
    const first = await start(log)
    await until(async () => expect(await outputs(log)).toHaveLength(3))
    await first.consumption.stop()
    await write(log, ['a'])
    const second = await start(log)
    await until(async () => expect(await outputs(log)).toEqual(['0:a=1', '1:b=1', '2:a=2', '3:a=3']))
    expect(second.events).toContainEqual(expect.objectContaining({ kind: 'restored', partition: 0, keys: 2 }))
    await second.consumption.stop()
  })

  test('does not restore what was forgotten, and what is there anew begins anew', async () => {
    const log = createInProcessLog()
    await createTopics(log)
    const first = await start(log)
    await write(log, ['a', 'b', 'a', 'c'])
    await until(async () => expect(await outputs(log)).toHaveLength(4))
    await write(log, ['-a', '-b', 'a', '-never'])
    await until(async () => expect((await outputs(log)).at(-1)).toBe('6:a=1'))
    await first.consumption.stop()
    const second = await start(log)
    await write(log, ['a', 'b', 'c'])
    await until(async () => expect((await outputs(log)).slice(-3)).toEqual(['8:a=2', '9:b=1', '10:c=2']))
    expect(second.events).toContainEqual(expect.objectContaining({ kind: 'restored', partition: 0, keys: 2 }))
    await second.consumption.stop()
  })

  test('puts everything down before another member gets its partitions', async () => {
    const log = createInProcessLog()
    await createTopics(log)
    const [leaving, staying] = [await start(log, { intervalMs: 1e9 }), await start(log, { intervalMs: 1e9 })]
    for (const partition of [0, 1]) await write(log, ['a', 'b', 'a'], partition)
    await until(async () => expect(await outputs(log)).toHaveLength(6))
    await leaving.consumption.stop()
    for (const partition of [0, 1]) await write(log, ['a'], partition)
    await until(async () => expect((await outputs(log)).filter((text) => text === '3:a=3')).toHaveLength(2))
    expect(await outputs(log)).toHaveLength(8)
    await staying.consumption.stop()
  })

  test('stops in order when its partition is somebody else’s by now', async () => {
    const log = createInProcessLog()
    await createTopics(log)
    const stage = await start(log, { intervalMs: 1e9 })
    await write(log, ['a'])
    await until(async () => expect(await outputs(log)).toHaveLength(1))
    await PartitionState.takeOver(log, 'counter', 0, { topic: 'state', version: 1, configHash: 'a', intervalMs: 0 })
    await stage.consumption.stop()
    expect(stage.events).toContainEqual({ kind: 'unwritten', partition: 0, error: expect.objectContaining({ code: 'fenced' }) })
    expect(stage.failures).toEqual([])
  })

  test('after a crash what came behind the checkpoint is read again, with the same outcome', async () => {
    const log = createInProcessLog()
    await createTopics(log)
    await write(log, ['a', 'b'])
    // Its checkpoints after the first never reach the log, as if it had died before each.
    const crashing = await start(log, { intervalMs: 1e9 })
    await until(async () => expect(await outputs(log)).toHaveLength(2))
    await write(log, ['a'])
    await until(async () => expect(await outputs(log)).toHaveLength(3))
    const successor = await start(log)
    await write(log, ['a'])
    await until(async () => expect(await effects(log)).toContain('3:a=3'))
    expect(await effects(log)).toEqual(['0:a=1', '1:b=1', '2:a=2', '3:a=3'])
    await Promise.all([crashing.consumption.stop(), successor.consumption.stop()])
  })

  test('tells a step that begins without it what earlier owners answered, and what they cannot have seen', async () => {
    const log = createInProcessLog()
    await createTopics(log)
    await write(log, ['a', 'b', 'a'])
    const begun: NewBeginning[] = []
    /** While it reads what it needs, more comes, which somebody may still be answering. */
    const step = {
      beginAnew: async () => {
        await write(log, ['b'])
        return (places: NewBeginning) => void begun.push(places)
      },
    }
    const first = await start(log, { step })
    await until(async () => expect(await outputs(log)).toHaveLength(4))
    await first.consumption.stop()
    const same = await start(log, { step })
    await write(log, ['a'])
    await until(async () => expect(await outputs(log)).toHaveLength(5))
    await same.consumption.stop()
    const other = await start(log, { configHash: 'b', step })
    await write(log, ['a'])
    await until(async () => expect(await effects(log)).toContain('6:b=3'))
    await other.consumption.stop()
    expect(begun).toEqual([
      { answeredBefore: 0n, unseenFrom: 4n },
      { answeredBefore: 5n, unseenFrom: 7n },
    ])
  })

  test('of an older layout is read as what it is, one of a newer layout is told and not used', async () => {
    const log = createInProcessLog()
    await createTopics(log)
    await write(log, ['a', 'b', 'a'])
    const older = await start(log)
    await until(async () => expect(await outputs(log)).toHaveLength(3))
    await older.consumption.stop()
    await write(log, ['a'])
    const newer = await start(log, { version: 2 })
    await until(async () => expect(await outputs(log)).toContain('3:a=3'))
    expect(newer.events).toContainEqual(expect.objectContaining({ kind: 'restored', keys: 2 }))
    await newer.consumption.stop()
    const rolledBack = await start(log)
    await write(log, ['b'])
    await until(async () => expect(await effects(log)).toContain('4:b=2'))
    expect(rolledBack.events).toContainEqual({ kind: 'damaged', partition: 0, reason: 'layout' })
    await rolledBack.consumption.stop()
  })

  test('an owner that was only asleep cannot overwrite what its successor put down', async () => {
    const log = createInProcessLog()
    await createTopics(log)
    await write(log, ['a'])
    const owner = await log.fencedProducer('counter-0')
    const successor = await start(log)
    await until(async () => expect(await outputs(log)).toHaveLength(1))
    const late = owner.commit([{ topic: 'state', partition: 0, key: Buffer.from('a'), value: Buffer.from([0]) }])
    await expect(late).rejects.toMatchObject({ code: 'fenced' })
    await successor.consumption.stop()
  })

  test.each([
    ['a flipped bit', (value: Buffer) => value.fill(value.at(-6)! ^ 1, value.length - 6, value.length - 5)],
    ['a record cut short', (value: Buffer) => value.subarray(0, value.length - 3)],
  ])('%s in the state is told, never used, and learned anew', async (_, damage) => {
    const log = createInProcessLog()
    await createTopics(log)
    await write(log, ['a', 'b', 'a'])
    const first = await start(log)
    await until(async () => expect(await outputs(log)).toHaveLength(3))
    await first.consumption.stop()
    const record = (await log.readToEnd('state', 0)).findLast(({ key }) => Buffer.from(key!).toString() === 'a')!
    const producer = await log.producer()
    await producer.send([{ topic: 'state', partition: 0, key: record.key, value: damage(Buffer.from(record.value!)) }])
    await write(log, ['a'])
    const second = await start(log)
    await until(async () => expect(await effects(log)).toContain('3:a=3'))
    expect(second.events).toContainEqual(expect.objectContaining({ kind: 'damaged', partition: 0 }))
    await second.consumption.stop()
    const third = await start(log)
    await write(log, ['b'])
    await until(async () => expect(await effects(log)).toContain('4:b=2'))
    expect(third.events.map(({ kind }) => kind)).not.toContain('damaged')
    await third.consumption.stop()
  })

  test('state of another configuration is not used, and its keys do not stay behind', async () => {
    const log = createInProcessLog()
    await createTopics(log)
    await write(log, ['a'])
    const first = await start(log)
    await until(async () => expect(await outputs(log)).toHaveLength(1))
    await first.consumption.stop()
    await write(log, ['a'])
    const second = await start(log, { configHash: 'b' })
    await until(async () => expect(await effects(log)).toContain('1:a=2'))
    expect(second.events).toContainEqual({ kind: 'damaged', partition: 0, reason: 'config' })
    await second.consumption.stop()
  })

  test('a checkpoint that fails drops the state in memory, and the last one is taken up again', async () => {
    const inner = createInProcessLog()
    await createTopics(inner)
    let tries = 0
    const log = wrappedLog(inner, {
      fencedProducer: async (id) => {
        const producer = await inner.fencedProducer(id)
        return {
          ...producer,
          commit: async (records) => {
            if (++tries === 2) throw new LogError('timeout')
            await producer.commit(records)
          },
        }
      },
    })
    const stage = await start(log)
    for (const [i, key] of ['a', 'a', 'b', 'a'].entries()) {
      await write(log, [key])
      await until(async () => expect(await effects(inner)).toHaveLength(i + 1))
    }
    await until(async () => expect(await effects(inner)).toContain('3:a=3'))
    expect(await effects(inner)).toEqual(['0:a=1', '1:a=2', '2:b=1', '3:a=3'])
    await until(async () => expect(tries).toBeGreaterThan(2))
    expect(stage.events).toContainEqual({ kind: 'unwritten', partition: 0, error: expect.objectContaining({ code: 'timeout' }) })
    expect(stage.failures).toEqual([])
    await stage.consumption.stop()
  })

  test('a fenced owner that the group still gives the partition to takes it over again', async () => {
    const log = createInProcessLog()
    await createTopics(log)
    const stage = await start(log)
    await write(log, ['a'])
    await until(async () => expect(await effects(log)).toEqual(['0:a=1']))
    const other = await PartitionState.takeOver(log, 'counter', 0, { topic: 'state', version: 1, configHash: 'a', intervalMs: 0 })
    await write(log, ['a'])
    await until(async () => expect(stage.events.map(({ kind }) => kind)).toContain('unwritten'))
    await write(log, ['a'])
    await until(async () => expect(stage.events.map(({ kind }) => kind)).toContain('restored'))
    await until(async () => expect(await effects(log)).toEqual(['0:a=1', '1:a=2', '2:a=3']))
    expect(stage.events).toContainEqual({ kind: 'unwritten', partition: 0, error: expect.objectContaining({ code: 'fenced' }) })
    expect(stage.failures).toEqual([])
    await other.state.close()
    await stage.consumption.stop()
  })

  test('whatever is written and whenever it stops or dies, the effects are those of one run', async () => {
    const action = fc.oneof(
      fc.record({
        kind: fc.constant('write' as const),
        keys: fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 5 }),
      }),
      fc.constant({ kind: 'stop' as const }),
      fc.constant({ kind: 'die' as const }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 12 }), fc.constantFrom(0, 1e9), async (actions, intervalMs) => {
        const log = createInProcessLog()
        await createTopics(log)
        const zombies: Running[] = []
        let running = await start(log, { intervalMs })
        const written: string[] = []
        for (const step of actions) {
          if (step.kind === 'write') {
            await write(log, step.keys)
            written.push(...step.keys)
            continue
          }
          if (step.kind === 'stop') await running.consumption.stop()
          else zombies.push(running)
          running = await start(log, { intervalMs })
        }
        await until(async () => expect(await effects(log)).toHaveLength(written.length))
        expect((await effects(log)).toSorted()).toEqual(expectedEffects(written).toSorted())
        for (const one of [...zombies, running]) await one.consumption.stop()
      }),
      { numRuns: 40 },
    )
  })
})

function expectedEffects(keys: readonly string[]): string[] {
  const counts = new Map<string, number>()
  return keys.map((key, offset) => {
    counts.set(key, (counts.get(key) ?? 0) + 1)
    return `${offset}:${key}=${counts.get(key)}`
  })
}
