/**
 * The detector's own step (`services/detector/src/detect.ts`) over recorded sample batches: the same batches in, the same records out, so the
 * episodes are those that the running services would have told.
 *
 * What series of a cohort start from travels through the log and takes effect with a checkpoint; here a checkpoint is every
 * `checkpointMs` of the time of polling. Blind to what people would have said (verdicts) and to models of whole entities.
 */
import { decode } from '@lapwing/contracts/codec'
import type { Anomaly } from '@lapwing/contracts/records'
import type { DetectorConfig } from '@lapwing/detector/config'
import { createDetectStep, type DetectOptions, type DetectStep } from '@lapwing/detector/detect'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import type { PolledWindow } from './polled-batches.ts'

export interface ReplayOptions {
  readonly detector: DetectorConfig
  readonly policyOf: NonNullable<DetectOptions['policyOf']>
  readonly partitions: number
  readonly onScores: NonNullable<DetectOptions['onScores']>
  /** After each window. */
  onWindow(window: PolledWindow): void
}

/** The anomaly records, in the order in which they came. */
export async function replay(windows: AsyncIterable<PolledWindow>, options: ReplayOptions): Promise<Anomaly[]> {
  const anomalies: Anomaly[] = []
  const priors: LogRecord[] = []
  const steps = Array.from({ length: options.partitions }, () => detectStep(options))
  const checkpointMs = options.detector.checkpoint_interval.ms
  let checkpointAtMs = Number.NEGATIVE_INFINITY
  let offset = 0n
  const take = ({ topic, partition, value }: OutgoingRecord) => {
    if (topic === topics.anomalies) anomalies.push(decode('Anomaly', value!))
    else priors.push({ ...place(partition, offset), topic, value })
  }
  for await (const window of windows) {
    if (window.askedAtMs >= checkpointAtMs + checkpointMs) {
      for (const prior of priors.splice(0)) for (const step of steps) step.apply!(prior)
      checkpointAtMs = window.askedAtMs
    }
    for (const { partition, batch } of window.batches) steps[partition]!.processBatch(batch, place(partition, offset++), take)
    options.onWindow(window)
  }
  return anomalies
}

const topics = { samples: 'samples', scores: 'scores', anomalies: 'anomalies', models: 'models' } as const
const noHeaders: ReadonlyMap<string, Uint8Array> = new Map()

/** Of a batch that was never on a log. */
function place(partition: number, offset: bigint): LogRecord {
  return { topic: topics.samples, partition, offset, timestampMs: 0, key: null, value: null, headers: noHeaders }
}

function detectStep({ detector, policyOf, onScores }: ReplayOptions): DetectStep {
  return createDetectStep({
    config: detector,
    policyOf,
    scoresTopic: topics.scores,
    anomaliesTopic: topics.anomalies,
    modelsTopic: topics.models,
    onScores,
    observe: () => {},
    observeVerdict: () => {},
  })
}
