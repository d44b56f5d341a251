import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { anomalyRecord, prefix, sendVerdict } from '../../testing/anomalies.ts'
import { eventually } from '../../testing/eventually.ts'
import { openVerdictSource } from './verdict-source.ts'

const topic = topicName(prefix, 'feedback')

async function world() {
  const log = createInProcessLog()
  await log.ensureTopics(topicSpecs(prefix, 2))
  const changed: string[] = []
  const open = async () => {
    const source = await openVerdictSource({
      ...{ log, topic, logger: pino({ enabled: false }), nowMs: Date.now },
      onChange: (episodeId) => changed.push(episodeId),
      onFatal: (error) => expect.fail(error.message),
    })
    onTestFinished(source.stop)
    return source
  }
  return { log, changed, open }
}

const about = (id: string) => anomalyRecord({ id, episodeId: `episode of ${id}` })

test('what was said before the start is known at once, the newest of it', async () => {
  const { log, open } = await world()
  await sendVerdict(log, about('a'), { verdict: 'false_alarm', id: 'v1' })
  await sendVerdict(log, about('a'), { verdict: 'confirmed', id: 'v2' })
  const source = await open()
  expect(source.of('episode of a')?.verdict).toBe('confirmed')
  expect([source.hasSeen('v1'), source.hasSeen('v2'), source.hasSeen('v3')]).toEqual([true, true, false])
})

test('what is said later is told, and what is no verdict is left out', async () => {
  const { log, changed, open } = await world()
  const source = await open()
  const producer = await log.producer()
  await producer.send([{ topic, partition: 0, key: Buffer.from('x'), value: Buffer.from('no verdict') }])
  await sendVerdict(log, about('a'), { verdict: 'known' })
  await eventually(() => expect(source.of('episode of a')?.verdict).toBe('known'))
  expect(changed).toEqual(['episode of a'])
})

test('the end of the time of a verdict is told too', async () => {
  const { log, changed, open } = await world()
  await open()
  await sendVerdict(log, about('a'), { verdict: 'expected', untilMs: Date.now() + 200 })
  await eventually(() => expect(changed).toEqual(['episode of a', 'episode of a']))
})
