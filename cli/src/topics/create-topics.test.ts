import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { expect, test } from 'vitest'
import { UserError } from '../user-error.ts'
import { createTopics } from './create-topics.ts'

test('creates what is absent and lists all; a second time changes nothing', async () => {
  const { deployment, output, log } = open(4)
  await createTopics(deployment, { waitMs: 1000 })
  expect(await log.partitionCount('shop.samples.v1')).toBe(4)
  expect(output()).toMatch(/shop\.models\.v1 +4 +0 +compact/)
  await createTopics(deployment, { waitMs: 1000 })
  expect(output()).not.toContain('Absent')
})

test('another number of partitions is refused with what to do', async () => {
  const { deployment, log } = open(4)
  await createTopics(deployment, { waitMs: 1000 })
  const refused = createTopics({ ...open(8).deployment, log }, { waitMs: 1000 })
  await expect(refused).rejects.toThrow(UserError)
  await expect(refused).rejects.toThrow(/has 4, expected 8.*Set kafka\.partitions to what is there/)
})

function open(partitions: number) {
  const log = createInProcessLog()
  let output = ''
  const write = (text: string) => {
    output += text
  }
  return { log, output: () => output, deployment: { log, prefix: 'shop', partitions, write, warn: write } }
}
