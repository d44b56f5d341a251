/** The owner of a partition of a registry for tests, on a log in memory, and what happens around it. */
import { encode } from '@lapwing/contracts/codec'
import type { Control, Model } from '@lapwing/contracts/records'
import type { DueWork, TrainingPolicy } from '@lapwing/models/control-decision'
import { moved } from '@lapwing/models/life'
import { ModelRegistry } from '@lapwing/models/registry'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Log } from '@lapwing/stream/log'
import { onTestFinished } from 'vitest'
import {
  type ModelWorkbench,
  type RegistryEvent,
  type RegistryOptions,
  RegistryPartition,
} from '../src/trainer/registry-partition.ts'
import { sampleRecord } from './sample-batch.ts'

export const scope = `entity:${'ab'.repeat(16)}`
export const topics = { control: 'control', models: 'models', samples: 'samples' }
export const hourMs = 3_600_000
export const dayMs = 24 * hourMs
export const patience = { timeout: 20_000, interval: 5 }
const policy: TrainingPolicy = {
  kind: 'pca',
  configHash: 'c',
  stepMs: 1000,
  historyMs: 100_000,
  settleMs: 10_000,
  cooldownMs: 1000,
  afterQuietHours: (atMs) => atMs,
}

const request: Control = {
  id: 'r1',
  kind: 'retrain',
  scope,
  reason: 'scores moved',
  detector: 'adwin',
  statistic: 1,
  threshold: 0.1,
  seriesKey: '',
  labels: [],
  requestedBy: 'person',
  requestedAtMs: 1_000_000,
}

export async function openLog(): Promise<Log> {
  const log = createInProcessLog()
  onTestFinished(() => log.close())
  const spec = { partitions: 1, retentionMs: undefined }
  await log.ensureTopics([
    { ...spec, topic: 'control', cleanup: 'compact,delete' },
    { ...spec, topic: 'models', cleanup: 'compact' },
    { ...spec, topic: 'samples', cleanup: 'delete' },
  ])
  return log
}

export async function send(log: Log, topic: string, value: Uint8Array, key = value.subarray(0, 40)): Promise<void> {
  const producer = await log.producer()
  await producer.send([{ topic, partition: 0, key: Buffer.from(key), value }])
  await producer.close()
}

export const ask = (log: Log, control: Partial<Control>) => send(log, 'control', encode('Control', { ...request, ...control }))

export const passTime = (log: Log, atMs: number) =>
  send(log, 'samples', sampleRecord([{ labels: { instance: 'a' }, samples: [[atMs, 1]] }]).value!)

export const register = async (log: Log, ...models: readonly Model[]) => {
  for (const model of models) await send(log, 'models', encode('Model', model), Buffer.from(model.modelId))
}

export async function registryOf(log: Log): Promise<ModelRegistry> {
  const registry = new ModelRegistry()
  for (const record of await log.readToEnd('models')) registry.take(record)
  return registry
}

export const states = async (log: Log) => (await registryOf(log)).ofScope(scope).map(({ state }) => state)

type Work = (due: DueWork, workbench?: ModelWorkbench) => Promise<Model>

/** A model of four bytes, and a validation that is content. */
export const goodWork: Work = async ({ action, model }) => {
  const to = ({ train: 'trained', validate: 'validated', begin_shadow: 'shadow' } as const)[action]
  const next = moved(model, to, { atMs: model.stateAtMs + 1, decision: `did ${action}` })
  return action === 'train' ? { ...next, sha256: 'aa', weights: Buffer.from('good') } : next
}

export function own(
  log: Log,
  work: Work = goodWork,
  planned: Partial<Pick<RegistryOptions, 'schedule' | 'now' | 'keptVersions' | 'forgetAfterMs' | 'removeArtefact'>> = {},
) {
  const events: RegistryEvent[] = []
  const fatal: Error[] = []
  const observe = (event: RegistryEvent) => events.push(event)
  const doWork = (due: DueWork, _: number, workbench: ModelWorkbench) => work(due, workbench)
  const usual = { schedule: undefined, now: () => 0, keptVersions: 10, forgetAfterMs: 14 * dayMs, removeArtefact: async () => {} }
  const options: RegistryOptions = { log, group: 'trainer', topics, policy, work: doWork, observe, ...usual, ...planned }
  const partition = new RegistryPartition(0, options, (error) => fatal.push(error))
  onTestFinished(() => partition.stop())
  return { partition, events, fatal }
}
