import { decode } from '@lapwing/contracts/codec'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { afterEach, expect, test, vi } from 'vitest'
import { announceSettings, settingsEveryMs } from './announce-settings.ts'
import { createInProcessLog } from './in-process-log.ts'
import type { Log } from './log.ts'

afterEach(() => vi.useRealTimers())

const topic = topicName('test', 'settings')

async function announced(producer?: Log['producer']) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
  const log = createInProcessLog()
  await log.ensureTopics(topicSpecs('test', 1))
  const state = { yaml: 'a: 1\n', warnings: 0, close: async () => {} }
  announceSettings({ producer: producer ?? (() => log.producer()) }, topic, {
    ...{ name: 'drift', version: '1', settingsYaml: () => state.yaml },
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
  return { state, told }
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
