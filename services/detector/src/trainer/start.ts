/**
 * The trainer as a service: control records in, versions of models out; and entities scored by the versions in force.
 *
 * Partitions of the control topic are shared by the group: whoever owns one owns its part of the registry. Trainings run in processes of their own, one
 * at a time for each trainer.
 */

import { createHash } from 'node:crypto'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { needsTensorFlow } from '@lapwing/deep/model'
import { artefactBucket } from '@lapwing/models/artefact-bucket'
import { artefactFolder } from '@lapwing/models/artefact-folder'
import type { TrainingPolicy } from '@lapwing/models/control-decision'
import type { ArtefactStore } from '@lapwing/models/weights'
import { watchConsuming } from '@lapwing/service/consuming-health'
import type { ServiceConfig } from '@lapwing/service/run-process'
import type { ServiceContext } from '@lapwing/service/run-service'
import { createStageMetrics } from '@lapwing/service/stage-metrics'
import { createStateObserver } from '@lapwing/service/state-metrics'
import { announceSettings } from '@lapwing/stream/announce-settings'
import type { Log } from '@lapwing/stream/log'
import { openTopics } from '@lapwing/stream/open-topics'
import { runStatefulStage } from '@lapwing/stream/stateful-stage'
import type { Logger } from 'pino'
import { entitySources } from '../entities/entity-records.ts'
import { createEntityStep, entityStateVersion } from '../entities/entity-step.ts'
import { readLeftOpen } from '../read-left-open.ts'
import { stepTimer } from '../timed-step.ts'
import type { TrainerConfig, trainerSchema } from './config.ts'
import { createBackendMetric, createEntityMetrics, createRegistryMetrics } from './metrics.ts'
import { workOn } from './model-work.ts'
import { type RegistryEvent, type RegistryOptions, RegistryPartition } from './registry-partition.ts'
import type { ForgetReason } from './registry-tidying.ts'
import { runJob } from './run-job.ts'
import { createCalendar, type RetrainCalendar } from './schedule.ts'

type TrainerContext = ServiceContext<ServiceConfig<'trainer', typeof trainerSchema>>

export async function startTrainer(context: TrainerContext, log: Log): Promise<void> {
  const { topic_prefix: prefix, partitions } = context.config.kafka
  await context.listen()
  await openTopics(log, topicSpecs(prefix, partitions), context)
  announceSettings(log, topicName(prefix, 'settings'), context)
  const inTurn = oneAtATime()
  void findBackend(context, inTurn)
  await startRegistry(context, log, inTurn)
  await startEntities(context, log)
}

/** Told at the start, so that a backend that cannot be had is noticed before a training fails for it. */
async function findBackend({ config, registry, logger, onClose }: TrainerContext, inTurn: InTurn): Promise<void> {
  const tell = createBackendMetric(registry)
  const { model, tensorflow_backend: tensorflowBackend } = config.trainer
  if (!needsTensorFlow(model)) return tell('none')
  const ending = new AbortController()
  onClose('tensorflow', async () => ending.abort())
  try {
    const options = { signal: ending.signal, onProgress: () => {}, memoryLimitBytes: memoryLimitBytes(config.trainer) }
    const { message } = await inTurn(() => runJob({ action: 'find_backend', tensorflowBackend }, options))
    if (message.type !== 'backend') throw new Error(`the search for a backend was answered with ${message.type}`)
    const { backend, passedOver } = message
    logger.info({ backend, passedOver }, `networks are trained on TensorFlow's backend ${backend}`)
    tell(backend)
  } catch (error) {
    if (!ending.signal.aborted) logger.error({ err: error }, `no network can be trained: ${(error as Error).message}`)
  }
}

function memoryLimitBytes({ memory_limit_mb: megabytes }: TrainerConfig): number {
  return megabytes * 1e6
}

async function startRegistry(context: TrainerContext, log: Log, inTurn: InTurn): Promise<void> {
  const { config } = context
  const topic = (name: Parameters<typeof topicName>[1]) => topicName(config.kafka.topic_prefix, name)
  const observeMetrics = createRegistryMetrics(context.registry)
  const calendar = calendarOf(config.trainer)
  const store = storeOf(config.trainer)
  const options: RegistryOptions = {
    log,
    group: `${config.kafka.topic_prefix}-trainer`,
    topics: { control: topic('control'), models: topic('models'), samples: topic('samples') },
    policy: policyOf(config.trainer, calendar),
    schedule: calendar.schedule,
    keptVersions: config.trainer.kept_versions,
    forgetAfterMs: config.trainer.forget_after.ms,
    removeArtefact: (uri) => store.remove(uri),
    now: Date.now,
    work: (due, partition, workbench) =>
      workOn(due, partition, workbench, {
        log,
        topics: { samples: topic('samples'), feedback: topic('feedback') },
        store,
        heldBackMs: config.trainer.held_back.ms,
        maxChannels: config.trainer.max_channels,
        seed: config.trainer.seed,
        tensorflowBackend: config.trainer.tensorflow_backend,
        runJob: (job, { signal, onProgress }) =>
          inTurn(() => runJob(job, { signal, onProgress, memoryLimitBytes: memoryLimitBytes(config.trainer) })),
      }),
    observe: (event) => {
      observeMetrics(event)
      tell(event, context.logger)
    },
  }
  const owned = new Map<number, RegistryPartition>()
  const consumption = await log.consume({
    group: options.group,
    topics: [options.topics.control],
    from: 'latest',
    onAssignment: (assigned) => {
      const wanted = new Set(assigned.get(options.topics.control))
      for (const [partition, registry] of owned) {
        if (wanted.has(partition)) continue
        owned.delete(partition)
        void registry.stop()
      }
      for (const partition of wanted) {
        if (!owned.has(partition)) owned.set(partition, new RegistryPartition(partition, options, context.fail))
      }
    },
    onBatch: async ({ partition }) => owned.get(partition)?.wake(),
    onFatal: context.fail,
  })
  watchConsuming(context.health, 'control', consumption)
  const stopAll = async () => {
    await Promise.all([...owned.values()].map((registry) => registry.stop()))
  }
  context.onClose('registry', () => consumption.stop(stopAll))
}

async function startEntities(context: TrainerContext, log: Log): Promise<void> {
  const { config } = context
  const topic = (name: Parameters<typeof topicName>[1]) => topicName(config.kafka.topic_prefix, name)
  const { checkpoint_interval: checkpointInterval, shadow, step } = config.trainer
  const store = storeOf(config.trainer)
  const observeMetrics = createEntityMetrics(context.registry)
  const timed = stepTimer(
    context.registry,
    'lapwing_entity_model_duration_seconds',
    'Time that the models of entities took for one sample batch.',
  )
  const stage = await runStatefulStage({
    log,
    group: `${config.kafka.topic_prefix}-entities`,
    input: topic('samples'),
    sideInputs: [{ topic: topic('models'), partitions: 'own', intervalMs: modelIntervalMs }],
    state: {
      topic: topic('entity-state'),
      version: entityStateVersion,
      configHash: 'entities',
      intervalMs: checkpointInterval.ms,
    },
    deadLetters: topic('dead-letters'),
    service: 'trainer',
    createStep: async (partition) =>
      timed(
        createEntityStep({
          scoresTopic: topic('scores'),
          anomaliesTopic: topic('anomalies'),
          controlTopic: topic('control'),
          store,
          readLeftOpen: () => readLeftOpen(log, topic('anomalies'), partition, ({ source }) => source === entitySources.in_force),
          shadowRows: Math.max(1, Math.ceil(shadow.ms / step.ms)),
          observe: (observation) => {
            observeMetrics(observation)
            if (observation.kind === 'refused') context.logger.error({ reason: observation.reason }, observation.message)
          },
        }),
      ),
    observer: createStageMetrics(context.registry),
    onState: createStateObserver(context.registry, context.logger),
    onFatal: context.fail,
  })
  watchConsuming(context.health, 'samples', stage)
  context.onClose('entities', () => stage.stop())
}

/** How soon a version that was promoted scores. */
const modelIntervalMs = 1000

function storeOf({ artefact_folder: folder, artefact_bucket: bucket }: TrainerConfig): ArtefactStore {
  if (!bucket) return artefactFolder(folder)
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, ...place } = bucket
  return artefactBucket({ ...place, accessKeyId, secretAccessKey: secretAccessKey.reveal() })
}

function calendarOf({ schedule, time_zone: timeZone, schedule_jitter: jitter, quiet_hours: quietHours }: TrainerConfig) {
  return createCalendar({ schedule, timeZone, jitterMs: jitter.ms, quietHours })
}

function policyOf(config: TrainerConfig, { afterQuietHours }: RetrainCalendar): TrainingPolicy {
  const { model: kind, step, history, settle, cooldown, held_back: heldBack, max_channels: maxChannels, seed } = config
  const settings = JSON.stringify([kind, step.ms, history.ms, heldBack.ms, maxChannels, seed])
  return {
    kind,
    configHash: createHash('sha256').update(settings).digest('hex').slice(0, 8),
    stepMs: step.ms,
    historyMs: history.ms,
    settleMs: settle.ms,
    cooldownMs: cooldown.ms,
    afterQuietHours,
  }
}

type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>

/** Trainings wait for each other, so that memory and processors are those of one. */
function oneAtATime(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work, work)
    last = mine.catch(() => undefined)
    return mine
  }
}

const forgottenTexts: Readonly<Record<ForgetReason, string>> = {
  old: 'an old version is forgotten',
  gone: 'a version is forgotten, because its entity is gone',
}

function tell(event: RegistryEvent, logger: Logger): void {
  if (event.kind === 'decided')
    logger.info({ scope: event.control.scope, by: event.control.requestedBy, outcome: event.outcome }, event.why)
  else if (event.kind === 'moved')
    logger.info({ model: event.model.modelId, scope: event.model.scope, state: event.model.state }, event.model.decision)
  else if (event.kind === 'failed')
    logger.warn({ err: event.error, model: event.model.modelId, isLast: event.isLast }, event.error.message)
  else if (event.kind === 'forgotten')
    logger.info({ model: event.model.modelId, scope: event.model.scope }, forgottenTexts[event.reason])
  else if (event.kind === 'not_removed')
    logger.warn({ err: event.error }, `${event.uri} is of no use any more and was not removed`)
  else if (event.kind === 'damaged') logger.error({ err: event.error }, 'a record of the registry cannot be read')
}
