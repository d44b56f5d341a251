/** The commands on the log in memory, with letters that somebody made up. */
import { encode } from '@lapwing/contracts/codec'
import type { DeadLetter } from '@lapwing/contracts/records'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { describe, expect, test } from 'vitest'
import { UserError } from '../user-error.ts'
import { listDeadLetters } from './list-dead-letters.ts'
import { replayDeadLetters } from './replay-dead-letters.ts'

const [samples, deadLetters, state] = (['samples', 'dead-letters', 'detector-state'] as const).map((name) =>
  topicName('shop', name),
)
const all = { topic: undefined, reason: undefined }
const letter: DeadLetter = {
  reason: 'malformed',
  error: '',
  service: 'detector',
  topic: samples!,
  partition: 1,
  offset: 0,
  timestampMs: 0,
  key: null,
  value: Buffer.from('a'),
}

/** A deployment whose dead letters are these, or the bytes themselves; all on partition 0. */
async function deploymentWith(...letters: (Partial<DeadLetter> | Buffer)[]) {
  const log = createInProcessLog()
  await log.ensureTopics([...topicSpecs('shop', 2), { ...topicSpecs('other', 2)[0]!, topic: 'payments' }])
  const records = letters.map((one) => ({
    topic: deadLetters!,
    partition: 0,
    key: null,
    value: Buffer.isBuffer(one) ? one : encode('DeadLetter', { ...letter, ...one }),
  }))
  await (await log.producer()).send(records)
  const written: string[] = []
  const lines = () => written.join('').trimEnd().split('\n')
  const valuesOn = async (topic: string) => (await log.readToEnd(topic, 1)).map(({ value }) => Buffer.from(value!).toString())
  return { log, prefix: 'shop', write: (text: string) => void written.push(text), lines, valuesOn }
}

describe('a replay', () => {
  test('refuses what is hostile and sends its neighbours, and says both', async () => {
    const deployment = await deploymentWith({}, { topic: 'payments' }, { topic: state! }, Buffer.from('junk'), {
      value: Buffer.from('b'),
    })
    const counts = await replayDeadLetters(deployment, { selection: all, place: undefined, dryRun: false })
    expect(counts).toEqual({ send: 2, repeated: 0, refused: 3 })
    expect(await deployment.valuesOn(samples!)).toEqual(['a', 'b'])
    expect(await deployment.valuesOn('payments')).toEqual([])
    expect(await deployment.valuesOn(state!)).toEqual([])
    expect(deployment.lines()).toEqual([
      '0/0: sent 1 B to shop.samples.v1, partition 1',
      '0/1: refused, payments is absent or not a topic that records may be replayed to',
      '0/2: refused, shop.detector-state.v1 is absent or not a topic that records may be replayed to',
      '0/3: refused, the letter does not say where it came from',
      '0/4: sent 1 B to shop.samples.v1, partition 1',
      '2 sent, 0 repeated, 3 refused',
    ])
  })

  test('takes only what is selected', async () => {
    const deployment = await deploymentWith({}, { reason: 'too_large', value: Buffer.from('b') })
    await replayDeadLetters(deployment, { selection: { ...all, reason: 'too_large' }, place: undefined, dryRun: false })
    expect(await deployment.valuesOn(samples!)).toEqual(['b'])
  })

  test('takes only the letter at the place that is named', async () => {
    const deployment = await deploymentWith({}, { value: Buffer.from('b') }, { value: Buffer.from('c') })
    await replayDeadLetters(deployment, { selection: all, place: { partition: 0, offset: 1n }, dryRun: false })
    expect(await deployment.valuesOn(samples!)).toEqual(['b'])
  })

  test('sends nothing when it is only to say what it would do', async () => {
    const deployment = await deploymentWith({})
    const counts = await replayDeadLetters(deployment, { selection: all, place: undefined, dryRun: true })
    expect(counts).toEqual({ send: 1, repeated: 0, refused: 0 })
    expect(await deployment.valuesOn(samples!)).toEqual([])
    expect(deployment.lines()[0]).toContain('would send 1 B')
  })

  test.each([
    ['partition', { partition: 2, offset: 0n }],
    ['offset', { partition: 0, offset: 1n }],
  ])('says so when no letter has that %s', async (_name, place) => {
    const replaying = replayDeadLetters(await deploymentWith({}), { selection: all, place, dryRun: false })
    await expect(replaying).rejects.toThrow(UserError)
  })
})

describe('the list', () => {
  test('shows the newest up to its limit, unreadable ones too, and says what it leaves out', async () => {
    const deployment = await deploymentWith({}, { reason: 'too_large' }, Buffer.from('junk'))
    await listDeadLetters(deployment, { selection: all, limit: 2, json: false })
    const [, ...lines] = deployment.lines()
    expect(lines).toEqual([
      expect.stringMatching(/ 0\/2 +unreadable +- +0 +no Confluent header$/),
      expect.stringMatching(/ 0\/1 +too_large +detector +shop\.samples\.v1 1\/0 +1$/),
      'Not shown (--limit): 1 older.',
    ])
  })

  test('says which topic is absent', async () => {
    const deployment = { log: createInProcessLog(), prefix: 'shop', write: () => undefined }
    const listing = listDeadLetters(deployment, { selection: all, limit: 1, json: false })
    await expect(listing).rejects.toThrow('shop.dead-letters.v1 is not on these brokers')
  })
})
