import { readFileSync } from 'node:fs'
import { noProgress } from '@lapwing/alerting/reconcile'
import { accept } from '@lapwing/alerting/tracked-alert'
import { decode, encode } from '@lapwing/contracts/codec'
import { topicSpecs } from '@lapwing/contracts/topics'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { describe, expect, test } from 'vitest'
import { anomalyRecord } from '../testing/anomalies.ts'
import {
  decodeProgress,
  decodeSeries,
  decodeTracked,
  encodeProgress,
  encodeSeries,
  encodeTracked,
  readSnapshots,
  statesBelow,
} from './alert-state.ts'
import { decideAlert } from './decide-alert.ts'

const policy = { minimumSeverity: 'warning', flapping: { slots: 20, slotMs: 1000, startRatio: 0.5, stopRatio: 0.25 } } as const
const hostile = anomalyRecord({
  value: Number.NaN,
  upper: Number.POSITIVE_INFINITY,
  labels: [{ name: '__proto__', value: '\u0000"' }],
})
const { state, alert } = decideAlert(hostile, undefined, policy)
const tracked = accept(alert, { offset: 3, writtenAtMs: 5 }, undefined)

describe('a snapshot', () => {
  test('gives back what was put in, numbers that JSON lacks and hostile labels included', () => {
    expect(decodeSeries(encodeSeries(state, 7n))).toEqual(state)
    expect(decodeTracked(encodeTracked(tracked))).toEqual(tracked)
    const durable = {
      tellings: [{ state: 'firing', severity: 'warning', atMs: 1 }],
      attempted: [],
      refused: null,
      settled: ['a'],
      heldBy: 'muted',
      messageRef: 'C1/1503435956.000247',
    } as const
    expect(decodeProgress(encodeProgress({ ...noProgress, ...durable }))).toEqual(durable)
  })

  test('as an earlier release wrote it is still read', () => {
    const golden = (name: string) => readFileSync(new URL(`../test/golden/${name}.bin`, import.meta.url))
    const then = decideAlert(anomalyRecord({}), undefined, policy)
    expect(decodeSeries(golden('series.1'))).toEqual(then.state)
    expect(decodeTracked(golden('alert.1'))).toEqual(accept(then.alert, { offset: 3, writtenAtMs: 5 }, undefined))
    expect(decodeProgress(golden('progress.1'))).toEqual({
      tellings: [{ state: 'firing', severity: 'warning', atMs: 1 }],
      attempted: [],
      heldBy: '',
      messageRef: '',
      refused: null,
      settled: ['a'],
    })
  })

  test('with a flipped bit is refused', () => {
    const whole = decode('StateSnapshot', encodeSeries(state, 7n))
    const snapshot = Buffer.from(whole.snapshot)
    snapshot[10]! ^= 1
    expect(() => decodeSeries(encode('StateSnapshot', { ...whole, snapshot }))).toThrow(/checksum/)
  })

  test('of another layout is refused', () => {
    const whole = decode('StateSnapshot', encodeSeries(state, 7n))
    expect(() => decodeSeries(encode('StateSnapshot', { ...whole, version: 2 }))).toThrow('layout 2')
  })
})

test('what is read back is the newest of each key, without the deleted and the damaged', async () => {
  const log = createInProcessLog()
  await log.ensureTopics(topicSpecs('t', 1))
  const topic = 't.alert-state.v1'
  const producer = await log.producer()
  const put = (key: string, value: Uint8Array | null) => producer.send([{ topic, partition: 0, key: Buffer.from(key), value }])
  await put('series/a', encodeSeries({ ...state, heldBy: 'flapping' }, 1n))
  await put('series/a', encodeSeries(state, 2n))
  await put('series/b', encodeSeries(state, 3n))
  await put('series/b', null)
  await put('series/c', Buffer.from('nonsense'))
  await put('alert/x', encodeTracked(tracked))

  const damaged: string[] = []
  const series = statesBelow(await readSnapshots(log, topic, 0), 'series/', decodeSeries, (key) => damaged.push(key))
  expect([...series]).toEqual([['a', state]])
  expect(damaged).toEqual(['series/c'])
})
