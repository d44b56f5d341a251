import { decode } from '@lapwing/contracts/codec'
import type { Trouble } from '@lapwing/contracts/records'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { afterEach, expect, test, vi } from 'vitest'
import { announceSettings, settingsEveryMs, troublesEveryMs } from './announce-settings.ts'
import { createInProcessLog } from './in-process-log.ts'
import type { Log } from './log.ts'

afterEach(() => vi.useRealTimers())

const topic = topicName('test', 'settings')

async function announced(producer?: Log['producer']) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
  const log = createInProcessLog()
  await log.ensureTopics(topicSpecs('test', 1))
  const state = { yaml: 'a: 1\n', troubles: [] as Trouble[], warnings: 0, close: async () => {} }
  announceSettings({ producer: producer ?? (() => log.producer()) }, topic, {
    ...{ name: 'drift', version: '1', settingsYaml: () => state.yaml, troubles: () => state.troubles },
    logger: { warn: () => state.warnings++ },
    onClose: (_, close) => {
      state.close = close
    },
  })
  const newest = async () => {
    const record = (await log.readToEnd(topic)).at(-1)
    return record && { offset: record.offset, yaml: record.value ? decode('ServiceSettings', record.value).yaml : 'ended' }
  }
  /** Waits until this is the newest that was told. */
  const told = (yaml: string, offset: bigint) =>
    vi.waitFor(async () => expect(await newest()).toEqual({ yaml, offset }), { timeout: 20_000 })
  return { log, state, told }
}

test('settings are told at the start, when they change and from time to time, and taken back at the end', async () => {
  const { state, told } = await announced()
  await told('a: 1\n', 0n)
  state.yaml = 'a: 2\n'
  vi.advanceTimersByTime(10_000)
  await told('a: 2\n', 1n)
  vi.advanceTimersByTime(settingsEveryMs)
  await told('a: 2\n', 2n)
  await state.close()
  await told('ended', 3n)
})

test('what does not work is told at the next look and every minute, and again when it works', async () => {
  const { log, state, told } = await announced()
  await told('a: 1\n', 0n)
  const trouble = (n: number): Trouble => ({
    ...{ subject: `query-${n}`, text: 'up', reason: 'timeout', message: 'late', sinceMs: 1, atMs: Date.now() },
  })
  const troubles = async () => decode('ServiceSettings', (await log.readToEnd(topic)).at(-1)!.value!).troubles
  state.troubles = Array.from({ length: 200 }, (_, n) => trouble(n))
  vi.advanceTimersByTime(10_000)
  await told('a: 1\n', 1n)
  expect(await troubles()).toHaveLength(100)
  state.troubles = [trouble(7)]
  vi.advanceTimersByTime(10_000)
  await told('a: 1\n', 2n)
  // The same, tried again: no news, but it still does not work.
  state.troubles = [trouble(7)]
  vi.advanceTimersByTime(troublesEveryMs)
  await told('a: 1\n', 3n)
  expect(await troubles()).toEqual(state.troubles)
  state.troubles = []
  vi.advanceTimersByTime(10_000)
  await told('a: 1\n', 4n)
  expect(await troubles()).toEqual([])
  await state.close()
})

test('a log that does not take them ends nothing: they are told at the next look', async () => {
  const log = createInProcessLog()
  await log.ensureTopics(topicSpecs('test', 1))
  let isAway = true
  const { state } = await announced(async () => {
    if (isAway) throw new Error('away')
    return log.producer()
  })
  await vi.waitFor(() => expect(state.warnings).toBe(1), { timeout: 20_000 })
  isAway = false
  vi.advanceTimersByTime(10_000)
  await vi.waitFor(async () => expect(await log.readToEnd(topic)).toHaveLength(1), { timeout: 20_000 })
  await state.close()
})
