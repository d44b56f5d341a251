/** The drift service: scores and verdicts in, requests for retraining out, one step per partition. */

import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { watchConsuming } from '@lapwing/service/consuming-health'
import type { ServiceConfig } from '@lapwing/service/run-process'
import type { ServiceContext } from '@lapwing/service/run-service'
import { createStageMetrics } from '@lapwing/service/stage-metrics'
import { createStateObserver } from '@lapwing/service/state-metrics'
import { announceSettings } from '@lapwing/stream/announce-settings'
import type { Log } from '@lapwing/stream/log'
import { openTopics } from '@lapwing/stream/open-topics'
import { runStatefulStage } from '@lapwing/stream/stateful-stage'
import { Counter, Gauge } from 'prom-client'
import type { driftSchema } from './config.ts'
import { createDriftStep, driftStateVersion } from './drift.ts'
import { heldBy } from './entity-drift.ts'
import { verdictOutcomes } from './model-verdicts.ts'

export async function startDrift(context: ServiceContext<ServiceConfig<'drift', typeof driftSchema>>, log: Log): Promise<void> {
  const { topic_prefix: prefix, partitions } = context.config.kafka
  const {
    enabled,
    detector,
    delta,
    cooldown,
    requests_per_week: requestsPerWeek,
    after_samples: afterSamples,
    checkpoint_interval: checkpointInterval,
    max_series_per_partition: maxSeries,
    forget_after: forgetAfter,
  } = context.config.drift
  const registers = [context.registry]
  const scores = new Counter({ name: 'lapwing_drift_scores_total', help: 'Scores watched for drift.', registers })
  const dropped = new Counter({
    name: 'lapwing_drift_scores_dropped_total',
    help: 'Scores not watched, by reason.',
    labelNames: ['reason'],
    registers,
  })
  dropped.inc({ reason: 'series_limit' }, 0)
  const requests = new Counter({ name: 'lapwing_drift_retrain_requests_total', help: 'Retrainings asked for.', registers })
  const held = new Counter({
    name: 'lapwing_drift_held_total',
    help: 'Drift of series that was no request, by what held it: scores that fell, a model that scores the entity as a whole, a rise of a series that is too small, a season of its score, a rise that did not last, too few series, a request a short time ago, the weekly budget.',
    labelNames: ['by'],
    registers,
  })
  const verdicts = new Counter({
    name: 'lapwing_drift_verdicts_total',
    help: 'Verdicts of people taken in, by what became of them: counted for or against the model of an entity, neutral, taken back, on an earlier version of the model, or on a series that is no score of an entity.',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of verdictOutcomes) verdicts.inc({ outcome }, 0)
  const series = new Gauge({ name: 'lapwing_drift_series', help: 'Series watched in the partition read last.', registers })
  await context.listen()
  await openTopics(log, topicSpecs(prefix, partitions), context)
  announceSettings(log, topicName(prefix, 'settings'), context)
  const stage = await runStatefulStage({
    log,
    group: `${prefix}-drift`,
    input: topicName(prefix, 'scores'),
    sideInputs: [{ topic: topicName(prefix, 'feedback'), partitions: 'own', intervalMs: checkpointInterval.ms }],
    state: {
      topic: topicName(prefix, 'drift-state'),
      version: driftStateVersion,
      configHash: detector === 'adwin' ? `adwin/${delta}` : detector,
      intervalMs: checkpointInterval.ms,
    },
    deadLetters: topicName(prefix, 'dead-letters'),
    service: 'drift',
    createStep: async () =>
      createDriftStep({
        enabled,
        detector,
        delta,
        cooldownMs: cooldown.ms,
        requestsPerWeek,
        afterSamples,
        maxSeries,
        forgetAfterMs: forgetAfter.ms,
        controlTopic: topicName(prefix, 'control'),
        observe: (seen) => {
          scores.inc(seen.scores)
          dropped.inc({ reason: 'series_limit' }, seen.overLimit)
          requests.inc(seen.requests)
          for (const by of heldBy) held.inc({ by }, seen.held[by])
          series.set(seen.series)
        },
        observeVerdict: (outcome) => verdicts.inc({ outcome }),
      }),
    observer: createStageMetrics(context.registry),
    onState: createStateObserver(context.registry, context.logger),
    onFatal: context.fail,
  })
  watchConsuming(context.health, 'scores', stage)
  context.onClose('stage', () => stage.stop())
}
