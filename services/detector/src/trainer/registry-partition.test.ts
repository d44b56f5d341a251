import { decode, encode } from '@lapwing/contracts/codec'
import type { Model } from '@lapwing/contracts/records'
import { moved } from '@lapwing/models/life'
import { ModelRegistry } from '@lapwing/models/registry'
import { LogError } from '@lapwing/stream/errors'
import type { OutgoingRecord } from '@lapwing/stream/log'
import { wrappedLog } from '@lapwing/stream/testing/wrapped-log'
import { describe, expect, test, vi } from 'vitest'
import { ask, goodWork, openLog, own, passTime, patience, registryOf, scope, send, states } from '../../testing/registry-owner.ts'

describe('the registry of a partition', () => {
  test('a request becomes a version in shadow, and what the shadow says decides; its weights stay with it', async () => {
    const log = await openLog()
    const { partition, fatal } = own(log)
    await passTime(log, 1_000_000)
    await ask(log, {})
    partition.wake()
    await vi.waitFor(async () => expect(await states(log)).toEqual(['shadow']), patience)
    const [{ modelId }] = (await registryOf(log)).all() as [Model]
    await ask(log, { id: 's', kind: 'promote', scope: `model:${modelId}`, requestedBy: 'shadow', reason: 'calm' })
    partition.wake()
    await vi.waitFor(async () => expect(await states(log)).toEqual(['promoted']), patience)
    const records = await log.readToEnd('models')
    const newest = decode('Model', records.findLast(({ key }) => Buffer.from(key!).toString() === modelId)!.value!)
    expect(newest).toMatchObject({ decision: 'calm', weights: Buffer.from('good'), reason: 'scores moved' })
    expect(fatal).toEqual([])
  })

  test('after drift it waits for time of the samples, not for ours', async () => {
    const log = await openLog()
    const { partition, events } = own(log)
    await passTime(log, 1_000_000)
    await ask(log, { requestedBy: 'drift', detector: 'count' })
    partition.wake()
    await vi.waitFor(async () => expect(await states(log)).toEqual(['requested']), patience)
    await passTime(log, 1_009_999)
    await ask(log, { id: 'looks at the time', kind: 'reset' })
    partition.wake()
    await vi.waitFor(() => expect(events.filter(({ kind }) => kind === 'decided')).toHaveLength(2), patience)
    expect(await states(log)).toEqual(['requested'])
    await passTime(log, 1_010_000)
    await vi.waitFor(async () => expect(await states(log)).toEqual(['shadow']), patience)
  })

  test.each(['train', 'validate', 'begin_shadow'] as const)(
    'an owner that dies while it is to %s is taken over',
    async (action) => {
      const log = await openLog()
      await passTime(log, 1_000_000)
      await ask(log, {})
      let reached = () => {}
      const isReached = new Promise<void>((resolve) => {
        reached = resolve
      })
      let die = (_: Error) => {}
      const first = own(log, (due) => {
        if (due.action !== action) return goodWork(due)
        reached()
        return new Promise((_, reject) => {
          die = reject
        })
      })
      await isReached
      const second = own(log)
      await vi.waitFor(async () => expect(await states(log)).toEqual(['shadow']), patience)
      // What was only asleep wakes up, and hears that its part is no longer its own.
      die(new Error('awake again'))
      await first.partition.stop()
      await ask(log, { id: 'r2', requestedAtMs: 1_002_000 })
      second.partition.wake()
      await vi.waitFor(() => expect(second.events.filter(({ kind }) => kind === 'decided')).toHaveLength(1), patience)
      expect(await states(log)).toEqual(['shadow'])
      expect(second.fatal).toEqual([])
    },
  )

  test('an owner that is fenced and keeps the partition takes it over again, with what the other one did', async () => {
    const log = await openLog()
    await passTime(log, 1_000_000)
    const first = own(log)
    await ask(log, {})
    first.partition.wake()
    await vi.waitFor(async () => expect(await states(log)).toEqual(['shadow']), patience)
    const other = await log.fencedProducer('trainer-0')
    const [version] = (await registryOf(log)).all() as [Model]
    const rejected = moved(version, 'rejected', { atMs: version.stateAtMs + 1, decision: 'by the other one' })
    await other.commit([{ topic: 'models', partition: 0, key: Buffer.from(version.modelId), value: encode('Model', rejected) }])
    await ask(log, { id: 'r2', requestedBy: 'person', requestedAtMs: 1_002_000 })
    first.partition.wake()
    await vi.waitFor(async () => expect((await states(log)).toSorted()).toEqual(['rejected', 'shadow']), patience)
    expect(first.fatal).toEqual([])
  })

  test('progress that cannot be written ends the work, and it is done again after a new take-over', async () => {
    const inner = await openLog()
    let refusals = 1
    const log = wrappedLog(inner, {
      fencedProducer: async (id) => {
        const producer = await inner.fencedProducer(id)
        const isProgress = (value: Uint8Array | null) => decode('Model', value!).metrics.some(({ name }) => name === 'progress')
        const commit = async (records: readonly OutgoingRecord[]) => {
          if (records.some(({ value }) => isProgress(value)) && refusals-- > 0) throw new LogError('timeout')
          await producer.commit(records)
        }
        return { ...producer, commit, close: () => producer.close() }
      },
    })
    await passTime(inner, 1_000_000)
    await ask(inner, {})
    const trainings: string[] = []
    const { fatal } = own(log, async (due, workbench) => {
      if (due.action !== 'train') return goodWork(due)
      const isFirst = trainings.length === 0
      trainings.push(due.model.modelId)
      if (!isFirst) return goodWork(due)
      const telling = setInterval(() => workbench!.onProgress(0.5), 50)
      await new Promise((resolve) => workbench!.signal.addEventListener('abort', resolve))
      clearInterval(telling)
      throw workbench!.signal.reason
    })
    await vi.waitFor(async () => expect(await states(inner)).toEqual(['shadow']), patience)
    expect(trainings).toHaveLength(2)
    expect(fatal).toEqual([])
  })

  test('a decision is made once, however many owners follow each other', async () => {
    const log = await openLog()
    await passTime(log, 1_000_000)
    await ask(log, {})
    const first = own(log)
    await vi.waitFor(async () => expect(await states(log)).toEqual(['shadow']), patience)
    await first.partition.stop()
    const [{ modelId }] = (await registryOf(log)).all() as [Model]
    const scopeOfModel = { scope: `model:${modelId}`, requestedBy: 'person' }
    await ask(log, { id: 'p', kind: 'promote', ...scopeOfModel })
    await ask(log, { id: 'b', kind: 'rollback', ...scopeOfModel })
    await ask(log, { id: 'q', kind: 'promote', ...scopeOfModel })
    const second = own(log)
    await vi.waitFor(() => expect(second.events.filter(({ kind }) => kind === 'decided')).toHaveLength(3), patience)
    await second.partition.stop()
    const third = own(log)
    await ask(log, { id: 'nothing', kind: 'reset' })
    third.partition.wake()
    await vi.waitFor(() => expect(third.events.filter(({ kind }) => kind === 'decided')).toHaveLength(1), patience)
    expect(await states(log)).toEqual(['promoted'])
  })

  test('what the schedule has due is asked for once, and the next run is written down', async () => {
    const log = await openLog()
    await passTime(log, 1_000_000)
    await ask(log, {})
    const everyMinute = {
      nextRunMs: (_: string, afterMs: number) => (Math.floor(afterMs / 60_000) + 1) * 60_000,
      text: 'minutely',
    }
    let nowMs = 1_000_000
    const planned = { schedule: everyMinute, now: () => nowMs }
    const first = own(log, goodWork, planned)
    await vi.waitFor(async () => expect(await states(log)).toEqual(['shadow']), patience)
    const [{ modelId }] = (await registryOf(log)).all() as [Model]
    await ask(log, { id: 's', kind: 'promote', scope: `model:${modelId}`, requestedBy: 'shadow' })
    first.partition.wake()
    const nextRuns = async () => (await registryOf(log)).plan.map(({ atMs }) => atMs)
    await vi.waitFor(async () => expect(await nextRuns()).toEqual([1_020_000]), patience)
    await passTime(log, 1_020_500)
    nowMs = 1_020_000
    first.partition.wake()
    await vi.waitFor(async () => expect(await states(log)).toEqual(['promoted', 'shadow']), patience)
    const second = (await registryOf(log)).ofScope(scope).at(-1)!
    expect(second).toMatchObject({ reason: 'the schedule, minutely', createdAtMs: 1_020_000 })
    expect(await nextRuns()).toEqual([1_080_000])
    await first.partition.stop()
    expect(first.events.at(-1)).toEqual({ kind: 'planned', partition: 0, runs: [] })
    const other = own(log, goodWork, planned)
    await vi.waitFor(() => expect(other.events.some(({ kind }) => kind === 'planned')).toBe(true), patience)
    const requests = (await log.readToEnd('control')).map(({ value }) => decode('Control', value!).requestedBy)
    expect(requests.filter((by) => by === 'schedule')).toHaveLength(1)
    expect([...first.fatal, ...other.fatal]).toEqual([])
  })

  test('a training that dies three times is rejected, and says so', async () => {
    const log = await openLog()
    await passTime(log, 1_000_000)
    await ask(log, {})
    const { events } = own(log, () => Promise.reject(new Error('the training process ended (SIGKILL)')))
    await vi.waitFor(async () => expect(await states(log)).toEqual(['rejected']), patience)
    expect(events.filter(({ kind }) => kind === 'failed')).toHaveLength(3)
    const [model] = (await registryOf(log)).all()
    expect(model!.decision).toBe('failed 3 times: the training process ended (SIGKILL)')
  })

  test('a damaged record on either topic stops nothing', async () => {
    const log = await openLog()
    await send(log, 'models', Buffer.from('broken'))
    await send(log, 'control', Buffer.from('broken too'))
    await passTime(log, 1_000_000)
    await ask(log, {})
    const { events, fatal } = own(log)
    await vi.waitFor(async () => {
      const registry = new ModelRegistry()
      for (const record of (await log.readToEnd('models')).slice(1)) registry.take(record)
      expect(registry.ofScope(scope).map(({ state }) => state)).toEqual(['shadow'])
    }, patience)
    expect(events.filter(({ kind }) => kind === 'damaged')).toHaveLength(2)
    expect(fatal).toEqual([])
  })
})
