import type { Mute } from '@lapwing/alerting/mute'
import { encode } from '@lapwing/contracts/codec'
import type { Mute as MuteRecord } from '@lapwing/contracts/records'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import { followRecordedMutes } from './recorded-mutes.ts'

const nowMs = 1_000_000
const topic = topicName('test', 'mutes')
const mute = (id: string, about: Partial<MuteRecord> = {}): MuteRecord => ({
  ...{ id, matchers: [{ label: 'instance', operator: '=', value: 'a' }], startsAtMs: nowMs, endsAtMs: nowMs + 60_000 },
  ...{ author: 'ann', comment: 'move', origin: 'page', atMs: nowMs, liftedBy: '', liftedAtMs: null, ...about },
})

async function follow(before: readonly (MuteRecord | Buffer)[]) {
  const log = createInProcessLog()
  await log.ensureTopics(topicSpecs('test', 2))
  const producer = await log.producer()
  const write = async (record: MuteRecord | Buffer) => {
    const [key, value] = Buffer.isBuffer(record) ? ['damaged', record] : [record.id, encode('Mute', record)]
    await producer.send([{ topic, partition: 0, key: Buffer.from(key as string), value: value as Buffer }])
  }
  for (const record of before) await write(record)
  const seen: string[][] = []
  const lines: string[] = []
  const following = await followRecordedMutes({
    ...{ log, topic, nowMs: () => nowMs, onFatal: (error: Error) => lines.push(error.message) },
    logger: pino({}, { write: (line: string) => lines.push(line) }),
    onChange: (mutes: readonly Mute[]) => seen.push(mutes.map(({ id }) => id)),
  })
  onTestFinished(() => following.stop())
  return { write, seen, lines }
}

test('what was given, taken back and has ended is known before anything is told, and reading it once more brings nothing back', async () => {
  const lifted = mute('lifted', { liftedBy: 'bob', liftedAtMs: nowMs })
  const { write, seen, lines } = await follow([
    mute('lifted'),
    lifted,
    mute('over', { startsAtMs: nowMs - 60_000, endsAtMs: nowMs }),
    mute('kept'),
  ])
  expect(seen).toEqual([['kept']])
  await write(mute('new'))
  await eventually(() => expect(seen.at(-1)).toEqual(['kept', 'new']))
  await write({ ...mute('kept'), liftedBy: 'bob', liftedAtMs: nowMs })
  await eventually(() => expect(seen.at(-1)).toEqual(['new']))
  expect(seen.flat()).not.toContain('lifted')
  expect(lines).toEqual([])
})

test('a record that is no mute, or one of everything, is left out and named', async () => {
  const { seen, lines } = await follow([Buffer.from('nonsense'), mute('everything', { matchers: [] }), mute('kept')])
  expect(seen).toEqual([['kept']])
  expect(lines.filter((line) => line.includes('mute left out'))).toHaveLength(2)
  expect(lines.join()).toContain('match everything')
})
