import { encode } from '@lapwing/contracts/codec'
import type { Model } from '@lapwing/contracts/records'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { RegistryPartition } from '@lapwing/detector/trainer/registry-partition'
import { emptyModel, planRecord } from '@lapwing/models/registry'
import { progressMetrics } from '@lapwing/models/training-progress'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Deployment } from '../topics/open-log.ts'
import { UserError } from '../user-error.ts'
import { changeModel } from './change-model.ts'
import { listModels } from './list-models.ts'
import { diffModels, showModel } from './show-model.ts'

const prefix = 'test'
const scope = `entity:${'ab'.repeat(16)}`
const hourMs = 3_600_000
const text = { json: false }

const version = (id: string, fields: Partial<Model>): Model => ({
  ...emptyModel,
  modelId: id,
  scope,
  kind: 'pca',
  labels: [{ name: 'instance', value: 'shop-1' }],
  channels: ['cpu', 'requests'],
  configHash: 'c1',
  dataHash: 'd1',
  sha256: 'ff'.repeat(32),
  weights: Buffer.from('weights'),
  trainedRows: 1000,
  ...fields,
})

const first = version('pca/aaaa11112222', {
  state: 'promoted',
  createdAtMs: 10 * hourMs,
  stateAtMs: 12 * hourMs,
  trainedFromMs: 0,
  trainedToMs: 10 * hourMs,
  reason: 'first',
  decision: 'in shadow for 60 rows, called 0.0 % of them anomalous',
  metrics: [{ name: 'precision', value: 0.9 }],
})
const second = version('pca/bbbb33334444', {
  state: 'rejected',
  createdAtMs: 20 * hourMs,
  stateAtMs: 21 * hourMs,
  trainedFromMs: 0,
  trainedToMs: 20 * hourMs,
  reason: 'scores moved',
  decision: 'less precise: precision 0.41 at recall 0.90, the model in force 0.90',
  channels: ['cpu', 'queue\u001b[31m'],
  dataHash: 'd2',
  metrics: [
    { name: 'precision', value: 0.41 },
    { name: 'in_force_precision', value: 0.9 },
  ],
})

/** A deployment with these models, and what a command says. */
async function deploy(...models: readonly Model[]): Promise<Deployment & { said(): string }> {
  const log = createInProcessLog()
  onTestFinished(() => log.close())
  await log.ensureTopics(topicSpecs(prefix, 1))
  const producer = await log.producer()
  const topic = topicName(prefix, 'models')
  await producer.send(
    models.map((model) => ({ topic, partition: 0, key: Buffer.from(model.modelId), value: encode('Model', model) })),
  )
  let all = ''
  const write = (part: string) => {
    all += part
  }
  return { log, prefix, write, said: () => all }
}

/** As a trainer that owns the partition decides. */
function startOwner({ log }: Deployment): void {
  const topic = (name: 'control' | 'models' | 'samples') => topicName(prefix, name)
  const owner = new RegistryPartition(
    0,
    {
      log,
      group: 'trainer',
      topics: { control: topic('control'), models: topic('models'), samples: topic('samples') },
      policy: {
        kind: 'pca',
        configHash: 'c1',
        stepMs: 60_000,
        historyMs: hourMs,
        settleMs: 0,
        cooldownMs: 0,
        afterQuietHours: (atMs) => atMs,
      },
      schedule: undefined,
      keptVersions: 10,
      forgetAfterMs: 14 * 24 * hourMs,
      removeArtefact: async () => {},
      now: () => 0,
      work: () => Promise.reject(new Error('nothing is to be trained')),
      observe: () => {},
    },
    (error) => {
      throw error
    },
  )
  onTestFinished(() => owner.stop())
}

describe('models list', () => {
  test('names the next run of what is in force, and why the others are not', async () => {
    const deployment = await deploy(first, second, planRecord([{ scope, atMs: 30 * hourMs, reason: 'the schedule' }]))
    await listModels(deployment, text)
    const [heading, ...rows] = deployment.said().trimEnd().split('\n')
    expect(heading).toMatch(/^ID +ENTITY +STATE +ASKED +ROWS +SERIES +PRECISION +RECALL +NEXT +WHY$/)
    expect(rows[0]).toMatch(/^pca\/bbbb33334444 +instance=shop-1 +rejected +1970-01-01 20:00 +1000 +2 +0\.41 +less precise/)
    expect(rows[1]).toMatch(/^pca\/aaaa11112222 +instance=shop-1 +in force +1970-01-01 10:00 .* 0\.90 +1970-01-02 06:00 +first$/)
  })

  test('tells how far a training is', async () => {
    const metrics = progressMetrics({ share: 0.429, leftSeconds: 9 })
    const deployment = await deploy({ ...second, state: 'requested', metrics })
    await listModels(deployment, text)
    expect(deployment.said()).toMatch(/^pca\/bbbb33334444 +instance=shop-1 +in training \(42 %\) +1970-01-01 20:00/m)
  })

  test('as JSON has everything but the weights', async () => {
    const deployment = await deploy(first, planRecord([{ scope, atMs: 30 * hourMs, reason: 'the schedule' }]))
    await listModels(deployment, { json: true })
    const found = JSON.parse(deployment.said())
    expect(found).toMatchObject({ modelId: first.modelId, inForce: true, nextRunMs: 30 * hourMs, metrics: { precision: 0.9 } })
    expect(found).not.toHaveProperty('weights')
  })
})

describe('models show', () => {
  test('tells the life, the numbers and what it learned from, by the first digits', async () => {
    const deployment = await deploy(first, second)
    await showModel(deployment, 'bbbb', text)
    const said = deployment.said()
    expect(said).toMatch(/^model +pca\/bbbb33334444$/m)
    expect(said).toMatch(/^entity +instance=shop-1$/m)
    expect(said).toMatch(/^state +rejected since 1970-01-01 21:00$/m)
    expect(said).toMatch(/^decision +less precise: precision 0\.41 at recall 0\.90, the model in force 0\.90$/m)
    expect(said).toMatch(/^learned from 1970-01-01 00:00 to 1970-01-01 20:00, 1000 rows$/m)
    expect(said).toMatch(/^weights +SHA-256 f{64}, on the topic, partition 0$/m)
    expect(said).toMatch(/^in force precision +0\.900$/m)
  })

  test('names of series cannot command the terminal', async () => {
    const deployment = await deploy(second)
    await showModel(deployment, second.modelId, text)
    expect(deployment.said()).toMatch(/^series +cpu, queue\\u001b\[31m$/m)
  })

  test('as JSON', async () => {
    const deployment = await deploy(first)
    await showModel(deployment, first.modelId, { json: true })
    expect(JSON.parse(deployment.said())).toMatchObject({ modelId: first.modelId, state: 'promoted', partition: 0 })
  })

  test('a model that is not there, or digits of two, are told', async () => {
    const twin = version('vae/aaaa99998888', { state: 'requested' })
    const deployment = await deploy(first, twin)
    await expect(showModel(deployment, 'cccc', text)).rejects.toThrow('There is no model cccc: see lapwing models list.')
    await expect(showModel(deployment, 'aaaa', text)).rejects.toThrow(
      /^2 models have an id that begins with aaaa; name more digits:\n {2}pca\/aaaa11112222\n {2}vae\/aaaa99998888$/,
    )
  })
})

describe('models diff', () => {
  test('tells only what is not the same, and which series came and went', async () => {
    const deployment = await deploy(first, second)
    await diffModels(deployment, ['aaaa', 'bbbb'], text)
    const lines = deployment.said().trimEnd().split('\n')
    const named = (name: string) => lines.find((line) => line.startsWith(name))
    expect(lines[0]).toMatch(/pca\/aaaa11112222 +pca\/bbbb33334444$/)
    expect(named('state')).toMatch(/in force since 1970-01-01 12:00 +rejected since 1970-01-01 21:00$/)
    expect(named('precision')).toMatch(/0\.900 +0\.410$/)
    expect(named('data')).toMatch(/d1 +d2$/)
    expect(named('settings')).toBeUndefined()
    expect(named('weights')).toBeUndefined()
    expect(lines.slice(-2)).toEqual(['- requests', '+ queue\\u001b[31m'])
  })

  test('as JSON; alike with itself', async () => {
    const deployment = await deploy(first, second)
    await diffModels(deployment, ['aaaa', 'bbbb'], { json: true })
    expect(JSON.parse(deployment.said())).toMatchObject({
      from: first.modelId,
      to: second.modelId,
      fields: { precision: ['0.900', '0.410'] },
      seriesGone: ['requests'],
      seriesAdded: ['queue\u001b[31m'],
    })
    const other = await deploy(first)
    await diffModels(other, ['aaaa', 'aaaa'], text)
    expect(other.said()).toBe('They are alike.\n')
  })
})

describe('models promote and rollback', () => {
  const change = { reason: 'I know better', atMs: 40 * hourMs, json: false } as const

  test('a rejected version comes into force by hand, and goes again', async () => {
    const deployment = await deploy(first, second)
    startOwner(deployment)
    await changeModel(deployment, { ...change, kind: 'promote', id: 'bbbb' })
    await changeModel(deployment, { ...change, kind: 'rollback', id: 'bbbb', reason: 'I did not' })
    expect(deployment.said()).toBe(
      [
        `${second.modelId} of instance=shop-1 is in force.`,
        `${second.modelId} scores the next samples.`,
        `${second.modelId} of instance=shop-1 is rolled back.`,
        `${first.modelId} scores the next samples.`,
        '',
      ].join('\n'),
    )
    const after = await deploy()
    await listModels({ ...deployment, write: after.write }, { json: true })
    const [rolledBack] = after.said().split('\n')
    expect(JSON.parse(rolledBack!)).toMatchObject({ modelId: second.modelId, state: 'rolled_back', decision: 'I did not' })
  })

  test('as JSON', async () => {
    const deployment = await deploy(first, second)
    startOwner(deployment)
    await changeModel(deployment, { ...change, kind: 'promote', id: 'bbbb', json: true })
    expect(JSON.parse(deployment.said())).toMatchObject({ modelId: second.modelId, inForce: true, decision: 'I know better' })
  })

  test.each([
    ['promote', 'aaaa', /in force/],
    ['rollback', 'bbbb', /rejected/],
    ['promote', 'cccc', /requested|trained/],
  ] as const)('%s %s changes nothing, and says so before anything is written', async (kind, id, message) => {
    const untrained = version('pca/cccc55556666', { state: 'requested', sha256: '', weights: null, createdAtMs: 30 * hourMs })
    const deployment = await deploy(first, second, untrained)
    const failing = changeModel(deployment, { ...change, kind, id })
    await expect(failing).rejects.toThrow(UserError)
    await expect(failing).rejects.toThrow(message)
    expect(await deployment.log.readToEnd(topicName(prefix, 'control'))).toEqual([])
  })
})
