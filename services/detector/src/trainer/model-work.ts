/** Moves a version on: trains it, has it judged, begins its shadow. I/O around the jobs; what counts is decided in libs/models. */
import { decodeIfReadable } from '@lapwing/contracts/codec'
import type { Metric, Model } from '@lapwing/contracts/records'
import { seriesKey } from '@lapwing/contracts/series'
import type { ModelKind } from '@lapwing/deep/model'
import { decodeModel, encodeModel } from '@lapwing/deep/model-file'
import type { DueWork } from '@lapwing/models/control-decision'
import { moved } from '@lapwing/models/life'
import { entityScope } from '@lapwing/models/registry'
import type { ModelNumbers, Validation } from '@lapwing/models/validation'
import { type ArtefactStore, packWeights, readWeights, WeightsError } from '@lapwing/models/weights'
import type { Log } from '@lapwing/stream/log'
import { entityLabels } from '../entities/entity-records.ts'
import { readEntityHistory } from './entity-history.ts'
import type { Job } from './job.ts'
import type { ModelWorkbench } from './registry-partition.ts'
import { type JobAnswer, JobRefusedError } from './run-job.ts'
import { type Incident, prepareData, TooLittleDataError, type TrainingData } from './training-data.ts'

export interface WorkOptions {
  readonly log: Log
  readonly topics: { readonly samples: string; readonly feedback: string }
  readonly store: ArtefactStore
  readonly heldBackMs: number
  readonly maxChannels: number
  readonly seed: number
  readonly tensorflowBackend: string
  /** Runs a job in a process of its own, when it is its turn. */
  runJob(job: Job, workbench: ModelWorkbench): Promise<JobAnswer>
}

/** As `RegistryOptions.work`: the model in its next state. */
export async function workOn(
  { action, model }: DueWork,
  partition: number,
  workbench: ModelWorkbench,
  options: WorkOptions,
): Promise<Model> {
  const atMs = model.stateAtMs + 1
  if (action === 'begin_shadow') return moved(model, 'shadow', { atMs, decision: model.decision })
  try {
    return action === 'train'
      ? await train(model, partition, workbench, options)
      : await validate(model, partition, workbench, options)
  } catch (error) {
    const isFinal = error instanceof JobRefusedError || error instanceof TooLittleDataError || error instanceof WeightsError
    if (!isFinal) throw error
    return moved(model, 'rejected', { atMs, decision: error.message })
  }
}

async function train(model: Model, partition: number, workbench: ModelWorkbench, options: WorkOptions): Promise<Model> {
  const { channels, training, labels, dataHash } = await dataOf(model, [], partition, options)
  const { seed, tensorflowBackend } = options
  const job: Job = { action: 'train', kind: model.kind as ModelKind, channels, rows: training, seed, tensorflowBackend }
  const startMs = performance.now()
  const { message, peakBytes } = await options.runJob(job, workbench)
  if (message.type !== 'trained') throw new Error(`a training was answered with ${message.type}`)
  const trained = decodeModel(message.model)
  const metrics = [
    { name: 'training_seconds', value: (performance.now() - startMs) / 1000 },
    { name: 'training_peak_bytes', value: peakBytes },
  ]
  const decision = `trained on ${training.count} rows of ${channels.length} series`
  const next = moved(model, 'trained', { atMs: model.stateAtMs + 1, decision })
  const packed = await packWeights(trained, options.store)
  return { ...next, ...packed, channels, labels, dataHash, trainedRows: training.count, metrics }
}

async function validate(model: Model, partition: number, workbench: ModelWorkbench, options: WorkOptions): Promise<Model> {
  const candidate = await modelBytes(model, workbench, options)
  const parent = workbench.inForce(model.scope)
  const inForce = parent && (await modelBytes(parent, workbench, options))
  const data = await dataOf(model, parent?.channels ?? [], partition, options)
  const { oldest, newest, usual, judgedChannels: channels } = data
  const job: Job = { action: 'validate', candidate, inForce, channels, oldest, newest, usual, seed: options.seed }
  const { message } = await options.runJob(job, workbench)
  if (message.type !== 'validated') throw new Error(`a validation was answered with ${message.type}`)
  const { isAccepted, decision } = message.validation
  const next = moved(model, isAccepted ? 'validated' : 'rejected', { atMs: model.stateAtMs + 1, decision })
  return { ...next, parentId: parent?.modelId ?? '', metrics: [...model.metrics, ...metricsOf(message.validation)] }
}

async function modelBytes({ modelId }: Model, { read }: ModelWorkbench, { store }: WorkOptions): Promise<Uint8Array> {
  const whole = await read(modelId)
  if (!whole) throw new WeightsError('absent', `${modelId} is no longer on the models topic`)
  return encodeModel(await readWeights(whole, store))
}

async function dataOf(
  { scope, stepMs, trainedFromMs, trainedToMs }: Model,
  otherChannels: readonly string[],
  partition: number,
  { log, topics, heldBackMs, maxChannels }: WorkOptions,
): Promise<TrainingData> {
  const entity = Buffer.from(scope.slice(entityScope.length), 'hex')
  const fromMs = Math.floor(trainedFromMs / stepMs) * stepMs
  const history = await readEntityHistory(log, topics.samples, partition, { entity, fromMs, toMs: trainedToMs, stepMs })
  const heldBackRows = Math.floor(heldBackMs / stepMs)
  const withoutIncidents = { history, fromMs, stepMs, heldBackRows, maxChannels, incidents: [], otherChannels }
  const { labels } = prepareData(withoutIncidents)
  const scoreSeries = seriesKey(entityLabels({ labels }, 'in_force')).toString('hex')
  const keys = new Set([...history.map(({ key }) => key), scoreSeries])
  return prepareData({ ...withoutIncidents, incidents: await readIncidents(log, topics.feedback, partition, keys, stepMs) })
}

/** Confirmed and not taken back, of these series; as long as the episode was when it was judged. */
async function readIncidents(
  log: Log,
  topic: string,
  partition: number,
  seriesKeys: ReadonlySet<string>,
  stepMs: number,
): Promise<Incident[]> {
  const newest = new Map<string, Uint8Array | null>()
  for (const { key, value } of await log.readToEnd(topic, partition)) newest.set(Buffer.from(key ?? []).toString(), value)
  return [...newest.values()].flatMap((value) => {
    const incident = value && readIncident(value, seriesKeys, stepMs)
    return incident ? [incident] : []
  })
}

function readIncident(value: Uint8Array, seriesKeys: ReadonlySet<string>, stepMs: number): Incident | undefined {
  const judged = decodeIfReadable('Feedback', value)
  if (judged?.verdict !== 'confirmed' || !seriesKeys.has(judged.seriesKey)) return undefined
  const { startedAtMs, signature } = judged
  return { fromMs: startedAtMs, toMs: startedAtMs + stepMs * Math.max(1, signature?.anomalousSamples ?? 1) }
}

function metricsOf({ equalRecall, candidate, inForce, faults, moving }: Validation): Metric[] {
  const of = (prefix: string, { precision, recall, falseShare }: ModelNumbers): Metric[] => [
    { name: `${prefix}precision`, value: precision },
    { name: `${prefix}recall`, value: recall },
    { name: `${prefix}false_share`, value: falseShare },
  ]
  return [
    { name: 'equal_recall', value: equalRecall },
    ...of('', candidate),
    ...(inForce ? of('in_force_', inForce) : []),
    { name: 'faults', value: faults },
    { name: 'moving_channels', value: moving.length },
  ]
}
