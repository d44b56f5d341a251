/** Two trainers on real Kafka share the entities; one is killed in the middle of a training, and the other one does its work, once. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode } from '@lapwing/contracts/codec'
import type { Model } from '@lapwing/contracts/records'
import { partitionOf } from '@lapwing/contracts/series'
import { topicName } from '@lapwing/contracts/topics'
import { startTestBroker, type TestBroker } from '@lapwing/kafka-server/test-broker'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log } from '@lapwing/stream/log'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { type ProcessName, Services } from './retraining/services.ts'
import { Shop } from './retraining/shop.ts'

const partitions = 2
const deadlineMs = 180_000
const calm = { level: 0, climb: 0 }
const trainers = ['trainer 1', 'trainer 2'] as const
/** A dense net on a day and a half takes some seconds, so that there is a middle. */
const settings = [
  'trainer.model=autoencoder',
  'trainer.history=46h',
  'trainer.shadow=30m',
  'trainer.checkpoint_interval=500ms',
  'log.level=info',
]
const rows = 2760

describe('two trainers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-two-trainers-'))
  const prefix = `two-trainers-${randomUUID()}`
  let broker: TestBroker
  let log: Log
  let services: Services
  beforeAll(async () => {
    broker = await startTestBroker(process.env)
    const brokers = broker.server.brokers
    log = createKafkaLog({ brokers, clientId: 'test', logger: { debug: () => {}, warn: () => {}, error: () => {} } })
    const all = [...settings, `trainer.artefact_folder=${folder}`]
    services = new Services({ brokers: brokers.join(','), prefix, partitions, settings: all })
  })
  afterAll(async () => {
    await services?.stop()
    await log?.close()
    await broker?.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  const waitFor = <T>(what: string, ask: () => Promise<T | undefined | false>) =>
    eventually(ask, { what, deadlineMs, everyMs: 100 }).catch((error: Error) => {
      throw new Error(`${error.message}\n${services.lastLines()}`, { cause: error })
    })

  /** Everything that was ever written of a shop's versions, oldest first. */
  async function historyOf(shop: Shop): Promise<Model[]> {
    const records = await log.readToEnd(topicName(prefix, 'models'))
    const models = records.flatMap(({ value }) => (value ? [decode('Model', value)] : []))
    return models.filter(({ scope }) => scope === `entity:${shop.entity}`)
  }
  const stateOf = async (shop: Shop) => (await historyOf(shop)).at(-1)?.state
  const isInTheMiddle = async (shop: Shop) => {
    const newest = (await historyOf(shop)).at(-1)
    return newest?.state === 'requested' && newest.metrics.some(({ name, value }) => name === 'progress' && value < 1)
  }
  const saysOf = (shop: Shop, name: ProcessName) =>
    services.linesOf(name).some((line) => line.includes(`"scope":"entity:${shop.entity}"`))

  test('one is killed while it trains: the other one goes on, and one version comes into force', async () => {
    services.start(...trainers)
    await waitFor('the topics are there', async () => (await services.lapwing('models', 'list')).includes('No models yet'))
    await waitFor('each has a partition', async () => {
      const owned = await Promise.all(trainers.map((name) => services.metricsOf(name, 'lapwing_stage_partitions{')))
      return owned.every((lines) => lines.length > 0 && lines.every((line) => line.endsWith(' 1')))
    })
    const shops = shopsOfBothPartitions(log, prefix)
    for (const shop of shops) await shop.send(rows, calm)
    for (const shop of shops) {
      await services.lapwing('train', `instance=${shop.instance}`, '--no-follow')
      await waitFor('a training is under way', async () => (await stateOf(shop)) !== undefined)
    }
    const killed = await waitFor('one of two trainers is in the middle of a training', async () => {
      for (const shop of shops) {
        const name = trainers.find((trainer) => saysOf(shop, trainer))
        if (!name || !(await isInTheMiddle(shop))) continue
        // What was seen is a while ago: it stands still for the second look, and is killed where it stands.
        services.signal(name, 'SIGSTOP')
        if (await isInTheMiddle(shop)) return { shop, name }
        services.signal(name, 'SIGCONT')
      }
      return undefined
    })
    await services.kill(killed.name)
    expect(await stateOf(killed.shop)).toBe('requested')
    const shopsOfEach = () => trainers.map((name) => shops.filter((shop) => saysOf(shop, name)).length)
    await waitFor('each of them has said what it trains', async () => sum(shopsOfEach()) >= shops.length)
    expect(shopsOfEach()).toEqual([1, 1])

    for (const shop of shops) await waitFor(`${shop.instance} is in shadow`, async () => (await stateOf(shop)) === 'shadow')
    for (const shop of shops) {
      await waitFor(`${shop.instance} has a model in force`, async () => {
        if ((await stateOf(shop)) === 'promoted') return true
        await shop.send(10, calm)
        return false
      })
    }
    for (const shop of shops) {
      const history = await historyOf(shop)
      expect(new Set(history.map(({ modelId }) => modelId)).size).toBe(1)
      const steps = history.map(({ state }) => state).filter((state, i, all) => state !== all[i - 1])
      expect(steps).toEqual(['requested', 'trained', 'validated', 'shadow', 'promoted'])
      expect(history.filter(({ state }) => state !== 'requested')).toHaveLength(4)
    }
  })
})

/** One for each partition. */
function shopsOfBothPartitions(log: Log, prefix: string): Shop[] {
  const all = Array.from({ length: 20 }, (_, i) => new Shop(log, { prefix, instance: `shop-${i}`, partitions }))
  return Array.from(
    { length: partitions },
    (_, partition) => all.find(({ entity }) => partitionOf(Buffer.from(entity, 'hex'), partitions) === partition)!,
  )
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
