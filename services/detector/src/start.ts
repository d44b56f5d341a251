/** The detector as a service: samples in, scores and anomalies out, one step per partition. */

import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { snapshotVersion } from '@lapwing/detection/series-detector'
import { configuredQueries, type QueryChoice } from '@lapwing/queries/configured-queries'
import { stateName } from '@lapwing/queries/detector-settings'
import { watchConsuming } from '@lapwing/service/consuming-health'
import type { ServiceConfig } from '@lapwing/service/run-process'
import type { ServiceContext } from '@lapwing/service/run-service'
import { createStageMetrics } from '@lapwing/service/stage-metrics'
import { createStateObserver } from '@lapwing/service/state-metrics'
import { announceSettings } from '@lapwing/stream/announce-settings'
import type { Log } from '@lapwing/stream/log'
import { openTopics } from '@lapwing/stream/open-topics'
import { runStatefulStage } from '@lapwing/stream/stateful-stage'
import type { detectorSchema } from './config.ts'
import { createDetectStep } from './detect.ts'
import { isOfSeries } from './left-open.ts'
import { createDetectorMetrics, createVerdictMetrics } from './metrics.ts'
import { readLeftOpen } from './read-left-open.ts'
import { stepTimer } from './timed-step.ts'

export async function startDetector(
  context: ServiceContext<ServiceConfig<'detector', typeof detectorSchema> & { readonly ingestor: QueryChoice }>,
  log: Log,
): Promise<void> {
  const { config } = context
  const { topic_prefix: prefix, partitions } = config.kafka
  const policies = new Map(configuredQueries(config.ingestor).map(({ source, policy }) => [source, policy]))
  const observe = createDetectorMetrics(context.registry)
  const observeVerdict = createVerdictMetrics(context.registry)
  const timed = stepTimer(
    context.registry,
    'lapwing_detector_model_duration_seconds',
    'Time that the models of the series took for one sample batch.',
  )
  await context.listen()
  await openTopics(log, topicSpecs(prefix, partitions), context)
  announceSettings(log, topicName(prefix, 'settings'), context)
  const stage = await runStatefulStage({
    log,
    group: `${prefix}-detector`,
    input: topicName(prefix, 'samples'),
    sideInputs: [
      { topic: topicName(prefix, 'feedback'), partitions: 'own', intervalMs: verdictIntervalMs },
      { topic: topicName(prefix, 'models'), partitions: 'all', intervalMs: config.detector.checkpoint_interval.ms },
    ],
    state: {
      topic: topicName(prefix, 'detector-state'),
      version: snapshotVersion,
      configHash: stateName(config.detector),
      intervalMs: config.detector.checkpoint_interval.ms,
    },
    deadLetters: topicName(prefix, 'dead-letters'),
    service: 'detector',
    createStep: async (partition) =>
      timed(
        createDetectStep({
          config: config.detector,
          policyOf: (source) => policies.get(source),
          scoresTopic: topicName(prefix, 'scores'),
          anomaliesTopic: topicName(prefix, 'anomalies'),
          modelsTopic: topicName(prefix, 'models'),
          readLeftOpen: () => readLeftOpen(log, topicName(prefix, 'anomalies'), partition, isOfSeries),
          observe,
          observeVerdict,
        }),
      ),
    observer: createStageMetrics(context.registry),
    onState: createStateObserver(context.registry, context.logger),
    onFatal: context.fail,
  })
  watchConsuming(context.health, 'samples', stage)
  context.onClose('stage', () => stage.stop())
}

/** Soon enough for a person who waits for it, and seldom enough for however many verdicts. */
const verdictIntervalMs = 1000
