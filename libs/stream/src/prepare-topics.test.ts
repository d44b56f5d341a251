import { expect, test, vi } from 'vitest'
import { wrappedLog } from '../testing/wrapped-log.ts'
import { LogError, type LogErrorCode } from './errors.ts'
import { createInProcessLog } from './in-process-log.ts'
import type { Log } from './log.ts'
import { prepareTopics } from './prepare-topics.ts'

const specs = [{ topic: 't', partitions: 2, cleanup: 'delete', retentionMs: undefined }] as const
const never = new AbortController().signal

test('a log that is away is waited for, and each try is told', async () => {
  const log = failing(['unreachable', 'timeout'])
  const told: [string, number][] = []
  const onRetry = (error: LogError, delayMs: number) => told.push([error.code, delayMs])
  const preparing = prepareTopics(log, specs, { signal: never, onRetry })
  await vi.waitFor(() => expect(log.ensureTopics).toHaveBeenCalledTimes(3), { timeout: 20_000 })
  expect(await preparing).toEqual([])
  expect(told).toEqual([
    ['unreachable', 250],
    ['timeout', 500],
  ])
  expect(await log.partitionCount('t')).toBe(2)
})

test('what waiting cannot cure is not waited for', async () => {
  const onRetry = vi.fn()
  const preparing = prepareTopics(failing(['partition_mismatch']), specs, { signal: never, onRetry })
  await expect(preparing).rejects.toMatchObject({ code: 'partition_mismatch' })
  expect(onRetry).not.toHaveBeenCalled()
})

test('waiting ends at once when it is called off', async () => {
  const log = failing(['unreachable', 'unreachable'])
  const stopping = new AbortController()
  const preparing = prepareTopics(log, specs, { signal: stopping.signal, onRetry: () => stopping.abort() })
  await expect(preparing).rejects.toMatchObject({ code: 'unreachable' })
  expect(log.ensureTopics).toHaveBeenCalledTimes(1)
})

/** A log that fails so many times, for these reasons. */
function failing(codes: LogErrorCode[]) {
  const log = createInProcessLog()
  const ensureTopics = vi.fn<Log['ensureTopics']>(async (wanted) => {
    const code = codes.shift()
    if (code) throw new LogError(code)
    return log.ensureTopics(wanted)
  })
  return wrappedLog(log, { ensureTopics })
}
