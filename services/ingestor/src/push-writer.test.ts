import { decode } from '@lapwing/contracts/codec'
import { sortedLabels } from '@lapwing/contracts/series'
import type { DecodedWrite } from '@lapwing/prometheus/remote-write-decoder'
import { SampleColumns } from '@lapwing/prometheus/sample-columns'
import { identify } from '@lapwing/prometheus/series-samples'
import { LogError } from '@lapwing/stream/errors'
import type { OutgoingRecord } from '@lapwing/stream/log'
import { describe, expect, test } from 'vitest'
import { eventually } from '../test/eventually.ts'
import { createPushWriter } from './push-writer.ts'

const nowMs = 1_800_000_000_000

function requestOf(name: string): DecodedWrite {
  const samples = new SampleColumns()
  samples.push(nowMs, 1, 0)
  const counts = {
    left: { not_finite: 0, invalid: 0, label_limit: 0, relabelled: 0, duplicate: 0, series_limit: 0 },
    undecided: [],
    histograms: 0,
    exemplars: 0,
    firstProblem: undefined,
  }
  return { series: [identify(sortedLabels([['__name__', name]]), [])], ends: [1], samples, ...counts }
}

/** A log whose answers are given by the test, one send after the other. */
function startWriter() {
  const sends: { series: number; answer(error?: Error): void }[] = []
  const send = (records: readonly OutgoingRecord[]) =>
    new Promise<void>((resolve, reject) => {
      const series = records.reduce((sum, { value }) => sum + decode('SampleBatch', value!).series.keys.length / 16, 0)
      sends.push({ series, answer: (error) => (error ? reject(error) : resolve()) })
    })
  const writer = createPushWriter({ samplesTopic: 'samples', partitions: 1, send, now: () => nowMs })
  return { writer, sends, nth: (place: number) => eventually(`send ${place}`, () => sends[place]) }
}

describe('writing requests', () => {
  test('those that come while a write is under way go out together, and each waits for its own write', async () => {
    const { writer, nth } = startWriter()
    const answered: string[] = []
    const write = (name: string) => writer.write(requestOf(name)).then(() => answered.push(name))
    const first = write('a')
    const one = await nth(0)
    const others = ['b', 'c', 'd'].map(write)
    one.answer()
    await first
    expect(answered).toEqual(['a'])
    const rest = await nth(1)
    expect([one.series, rest.series]).toEqual([1, 3])
    rest.answer()
    await Promise.all(others)
    expect(answered).toEqual(['a', 'b', 'c', 'd'])
  })

  test('a failure reaches those that were written together, and the next ones are tried', async () => {
    const { writer, nth } = startWriter()
    const failing = Promise.allSettled(['a', 'b'].map((name) => writer.write(requestOf(name))))
    ;(await nth(0)).answer(new LogError('timeout'))
    expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const next = writer.write(requestOf('c'))
    ;(await nth(1)).answer()
    expect(await next).toMatchObject({ live: 1 })
  })

  test('when a record is too large, only a request that was written alone is at fault', async () => {
    const { writer, nth } = startWriter()
    const codes = (names: string[]) =>
      Promise.all(names.map((name) => writer.write(requestOf(name)).catch((error: LogError) => error.code)))
    const together = codes(['a', 'b'])
    ;(await nth(0)).answer(new LogError('too_large'))
    expect(await together).toEqual(['timeout', 'timeout'])
    const alone = codes(['a', 'b'])
    ;(await nth(1)).answer(new LogError('too_large'))
    ;(await nth(2)).answer()
    expect(await alone).toEqual(['too_large', expect.objectContaining({ live: 1 })])
  })
})
