/** The detector as a service: samples in, scores and anomalies out, one step per partition. */
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import type { ServiceConfig } from '@lapwing/service/run-process'
import type { ServiceContext } from '@lapwing/service/run-service'
import type { Log } from '@lapwing/stream/log'
import { prepareTopics } from '@lapwing/stream/prepare-topics'
import { runStage } from '@lapwing/stream/stage'
import type { detectorSchema } from './config.ts'
import { createDetectStep } from './detect.ts'
import { createDetectorMetrics } from './metrics.ts'

export async function startDetector(
  context: ServiceContext<ServiceConfig<'detector', typeof detectorSchema>>,
  log: Log,
): Promise<void> {
  const { config, health, logger } = context
  const { topic_prefix: prefix, partitions } = config.kafka
  const metrics = createDetectorMetrics(context.registry)
  const starting = new AbortController()
  health.declare('log', 'not asked yet')
  context.onClose('log', () => log.close())
  context.onClose('start', async () => starting.abort())
  await context.listen()
  const differences = await prepareTopics(log, topicSpecs(prefix, partitions), {
    signal: starting.signal,
    onRetry: (error, delayMs) => {
      health.set('log', error.message)
      logger.warn({ delayMs }, error.message)
    },
  })
  for (const difference of differences) logger.warn(difference)
  const stage = await runStage({
    log,
    group: `${prefix}-detector`,
    inputs: [topicName(prefix, 'samples')],
    deadLetters: topicName(prefix, 'dead-letters'),
    service: 'detector',
    createStep: async () =>
      createDetectStep({
        config: config.detector,
        scoresTopic: topicName(prefix, 'scores'),
        anomaliesTopic: topicName(prefix, 'anomalies'),
        observe: metrics.batch,
      }),
    observer: metrics.stage,
    onFatal: context.fail,
  })
  context.onClose('stage', () => stage.stop())
  health.set('log', true)
}
