/** The pods role of the ingestor as a service: what happens to pods of a Kubernetes cluster, onto the log. */
import type { PodEvent } from '@lapwing/contracts/records'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import type { ServiceConfig } from '@lapwing/service/run-process'
import type { ServiceContext } from '@lapwing/service/run-service'
import { announceSettings } from '@lapwing/stream/announce-settings'
import type { Log } from '@lapwing/stream/log'
import { openTopics } from '@lapwing/stream/open-topics'
import type { podsSchema } from './config.ts'
import { createPodMetrics } from './metrics.ts'
import { podEvents } from './pod-events.ts'
import { createPodWriter } from './pod-writer.ts'
import { findCluster, watchPods } from './watch-pods.ts'

export async function startPods(context: ServiceContext<ServiceConfig<'pods', typeof podsSchema>>, log: Log): Promise<void> {
  const { config, health, logger } = context
  const { topic_prefix: prefix, partitions } = config.kafka
  // Before the log is waited for: what is wrong here no waiting mends.
  const cluster = findCluster()
  const metrics = createPodMetrics(context.registry)
  await context.listen()
  await openTopics(log, topicSpecs(prefix, partitions), context)
  announceSettings(log, topicName(prefix, 'settings'), context)
  const producer = await log.producer()
  context.onClose('producer', producer.close)
  const writer = createPodWriter({
    ...{ topic: topicName(prefix, 'pod-events'), partitions, send: producer.send, nowMs: Date.now },
    onRetry: (error) => {
      metrics.writeFailed()
      logger.warn({ err: error }, `what happened to pods is not written yet: ${error.message}`)
    },
    onWritten: (events) => {
      metrics.written(events)
      for (const event of events) tell(event)
    },
  })
  context.onClose('writer', writer.stop)
  health.declare('kubernetes', 'not asked yet')
  /** Why the API server does not tell of a namespace, by its name. */
  const unanswered = new Map<string, string>()
  const watch = watchPods(cluster, {
    namespaces: config.pods.namespaces,
    onPod: (pod) => writer.write(podEvents(pod, Date.now())),
    onState: (namespace, state) => {
      if (state === true) unanswered.delete(namespace)
      else {
        // Every try of a server that stays away is counted; one reason is said once.
        if (unanswered.get(namespace) !== state) logger.warn({ namespace }, `pods are not watched: ${state}`)
        unanswered.set(namespace, state)
        metrics.broke()
      }
      tellState()
    },
  })
  for (const namespace of watch.namespaces) unanswered.set(namespace, 'not asked yet')
  tellState()
  context.onClose('watch', watch.stop)
  logger.info({ namespaces: watch.namespaces }, 'watching pods')

  function tellState(): void {
    const [first] = unanswered
    metrics.namespaces(watch.namespaces.length, unanswered.size)
    health.set('kubernetes', first ? `namespace ${first[0]}: ${first[1]}` : true)
  }

  function tell({ kind, namespace, pod, container, reason }: PodEvent): void {
    logger.info({ kind, namespace, pod, container, reason }, 'something happened to a pod')
  }
}
