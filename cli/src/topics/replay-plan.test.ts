import { decode } from '@lapwing/contracts/codec'
import type { DeadLetter } from '@lapwing/contracts/records'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { LogRecord } from '@lapwing/stream/log'
import { runStage } from '@lapwing/stream/stage'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createReplayPlan, replayableTopics } from './replay-plan.ts'

const counts = new Map([
  ['lapwing.samples.v1', 8],
  ['lapwing.scores.v1', 8],
])
const letter: DeadLetter = {
  reason: 'malformed',
  error: '',
  service: 'detector',
  topic: 'lapwing.samples.v1',
  partition: 3,
  offset: 17,
  timestampMs: 0,
  key: Buffer.from('k'),
  value: Buffer.from('v'),
}
const decideOne = (changes: Partial<DeadLetter>) => createReplayPlan(counts)({ ...letter, ...changes })
const kindsOf = (...letters: Partial<DeadLetter>[]) => {
  const decide = createReplayPlan(counts)
  return letters.map((changes) => decide({ ...letter, ...changes }).kind)
}

describe('a letter', () => {
  test('goes back with its key and value to the topic and partition it came from', () => {
    const record = { topic: 'lapwing.samples.v1', partition: 3, key: Buffer.from('k'), value: Buffer.from('v') }
    expect(decideOne({})).toEqual({ kind: 'send', record })
  })

  test('without key and value goes back without them', () => {
    expect(decideOne({ key: null, value: null })).toMatchObject({ kind: 'send', record: { key: null, value: null } })
  })

  test.each([
    ['of another system', 'payments'],
    ['of another deployment', 'other.samples.v1'],
    ['that only begins like one of ours', 'lapwing.samples.v1.evil'],
    ['of service state', 'lapwing.detector-state.v1'],
    ['that is a name of every object', '__proto__'],
  ])('is refused for a topic %s', (_name, topic) => {
    expect(decideOne({ topic })).toEqual({
      kind: 'refused',
      why: `${topic} is absent or not a topic that records may be replayed to`,
    })
  })

  test('is refused when it does not say where it came from', () => {
    expect(decideOne({ topic: '' })).toEqual({ kind: 'refused', why: 'the letter does not say where it came from' })
  })

  test('is refused for a partition that is not there, up to the limit', () => {
    expect(kindsOf({ partition: -1 }, { partition: 0 }, { partition: 7 }, { partition: 8 })).toEqual([
      'refused',
      'send',
      'send',
      'refused',
    ])
  })
})

describe('letters of the same content', () => {
  test('are sent once, whatever their offsets', () => {
    expect(kindsOf({}, { offset: 18 }, { reason: 'too_large' })).toEqual(['send', 'repeated', 'repeated'])
  })

  test('do not hide others: of another topic, partition, key or value', () => {
    const others = [{ topic: 'lapwing.scores.v1' }, { partition: 4 }, { key: null }, { value: null }, { key: Buffer.alloc(0) }]
    const shifted = [
      { key: Buffer.from('kv'), value: Buffer.alloc(0) },
      { key: Buffer.alloc(0), value: Buffer.from('kv') },
    ]
    expect(kindsOf({}, ...others, ...shifted)).toEqual(Array(8).fill('send'))
  })
})

test('only topics that keep records by age may be written to', () => {
  expect(replayableTopics('shop')).toEqual([
    'shop.samples.v1',
    'shop.scores.v1',
    'shop.anomalies.v1',
    'shop.alerts.v1',
    'shop.notifications.v1',
    'shop.pod-events.v1',
  ])
})

/** Through a real stage, so that a change of what it keeps is seen here. */
describe('what a stage had to cut', () => {
  const mostBytes = 3 * 1024 * 1024

  test.each([
    ['a value that it kept whole', null, mostBytes - 1, 'send'],
    ['a value of just the length kept', null, mostBytes, 'refused'],
    ['a longer value', null, mostBytes + 1, 'refused'],
    ['a longer key', Buffer.alloc(mostBytes + 1), 1, 'refused'],
  ])('%s', async (_name, key, valueBytes, kind) => {
    const [stored] = await letterOf({ key, value: Buffer.alloc(valueBytes, 1) })
    expect(createReplayPlan(new Map([['samples', 1]]))(decode('DeadLetter', stored!.value!)).kind).toBe(kind)
  })
})

/** The letters that a stage writes about a record it cannot decode. */
async function letterOf(content: Pick<LogRecord, 'key' | 'value'>): Promise<LogRecord[]> {
  const log = createInProcessLog()
  const topic = (name: string) => ({ topic: name, partitions: 1, cleanup: 'delete', retentionMs: undefined }) as const
  await log.ensureTopics([topic('samples'), topic('dead')])
  const stage = await runStage({
    log,
    group: 'g',
    inputs: ['samples'],
    deadLetters: 'dead',
    service: 'detector',
    createStep: async () => ({ process: ({ value }) => void decode('SampleBatch', value!) }),
    observer: { batch: () => undefined, deadLetter: () => undefined, assigned: () => undefined },
    onFatal: (error) => expect.unreachable(error.message),
  })
  onTestFinished(() => stage.stop())
  await (await log.producer()).send([{ topic: 'samples', partition: 0, ...content }])
  await vi.waitFor(async () => expect(await log.readToEnd('dead')).toHaveLength(1), { timeout: 20_000, interval: 10 })
  return log.readToEnd('dead')
}
