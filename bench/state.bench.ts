/**
 * State of 10,000 series of one partition on real Kafka: how long a checkpoint stops scoring, and how long a restore takes.
 *
 * The pause is the longest time that the event loop is held while all 10,000 series are put down at once, the worst case: every series
 * changed, all in one partition.
 */
import assert from 'node:assert/strict'
import { encode } from '@lapwing/contracts/codec'
import { bytesOf } from '@lapwing/contracts/columns'
import { sortedLabels } from '@lapwing/contracts/series'
import { buildSeriesTable } from '@lapwing/contracts/series-table'
import { topicSpecs } from '@lapwing/contracts/topics'
import { snapshotVersion } from '@lapwing/detection/series-detector'
import { detectorSchema } from '@lapwing/detector/config'
import { createDetectStep } from '@lapwing/detector/detect'
import { startTestBroker } from '@lapwing/kafka-server/test-broker'
import { identify } from '@lapwing/prometheus/series-samples'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log, LogRecord } from '@lapwing/stream/log'
import { PartitionState } from '@lapwing/stream/partition-state'
import type { Benches, Figure } from './figure.ts'

export const benches: Benches = {
  'pipeline/checkpoint-pause': async () => (await measured()).pause,
  'state/restore-10k': async () => (await measured()).restore,
}

const seriesCount = 10_000
const rounds = 260
const layout = { topic: 'bench.detector-state.v1', version: snapshotVersion, configHash: 'bench', intervalMs: 0 }

let both: Promise<{ pause: Figure; restore: Figure }> | undefined

function measured(): Promise<{ pause: Figure; restore: Figure }> {
  both ??= withKafka(run)
  return both
}

async function run(log: Log): Promise<{ pause: Figure; restore: Figure }> {
  await log.ensureTopics(topicSpecs('bench', 1))
  const step = createStep()
  for (let round = 0; round < rounds; round++) step.process(recordOf(round), () => {})
  const { state } = await PartitionState.takeOver(log, 'bench', 0, layout)
  let written = 0
  const pauseMs = await longestPause(async () => {
    const { keys, commit } = await state.prepare(step.takeChanged(), BigInt(rounds), {
      sidePositions: [],
      forgotten: step.takeForgotten?.() ?? [],
      outputs: [],
    })
    written = keys
    await commit()
  })
  assert(written >= seriesCount, `${written} keys were written`)
  await state.close()
  const startMs = performance.now()
  const successor = await PartitionState.takeOver(log, 'bench', 0, layout)
  const restored = createStep()
  for (const { key, snapshot, version } of successor.found.keys) restored.restore(key, snapshot, version)
  const restoreMs = performance.now() - startMs
  await successor.state.close()
  assert.equal(successor.found.keys.length, written)
  return {
    pause: { bench: 'pipeline/checkpoint-pause', value: Math.round(pauseMs), unit: 'ms' },
    restore: { bench: 'state/restore-10k', value: Math.round(restoreMs), unit: 'ms' },
  }
}

/** Longest time between two turns of the event loop while the work is done, in milliseconds. */
async function longestPause(work: () => Promise<unknown>): Promise<number> {
  let longestMs = 0
  let lastMs = performance.now()
  let isDone = false
  const tick = () => {
    longestMs = Math.max(longestMs, performance.now() - lastMs)
    lastMs = performance.now()
    if (!isDone) setImmediate(tick)
  }
  setImmediate(tick)
  await work()
  isDone = true
  return longestMs
}

function createStep() {
  return createDetectStep({
    config: detectorSchema.parse({}),
    scoresTopic: 's',
    anomaliesTopic: 'a',
    modelsTopic: 'models',
    observe: () => {},
    observeVerdict: () => {},
  })
}

const table = buildSeriesTable(
  Array.from({ length: seriesCount }, (_, series) =>
    identify(
      sortedLabels([
        ['__name__', 'load'],
        ['instance', `host-${series}`],
      ]),
      ['instance'],
    ),
  ),
)

function recordOf(round: number): LogRecord {
  const value = encode('SampleBatch', {
    source: 'bench',
    kind: 'live',
    stepMs: 15_000,
    newestMs: (round + 1) * 15_000,
    series: table,
    samplesPerSeries: bytesOf(new Uint32Array(seriesCount).fill(1)),
    timestampsMs: bytesOf(new Float64Array(seriesCount).fill((round + 1) * 15_000)),
    values: bytesOf(
      Float64Array.from(
        { length: seriesCount },
        (_, series) => 10 + Math.sin((round + series) / 9) + Math.sin(series * 7.3 + round * 12.9),
      ),
    ),
    flags: Buffer.alloc(seriesCount),
  })
  return { topic: 'samples', partition: 0, offset: BigInt(round), timestampMs: 0, key: null, value, headers: new Map() }
}

const silent = { debug: () => {}, warn: () => {}, error: () => {} }

async function withKafka<Result>(work: (log: Log) => Promise<Result>): Promise<Result> {
  const broker = await startTestBroker(process.env)
  const log = createKafkaLog({ brokers: [...broker.server.brokers], clientId: 'lapwing-bench', logger: silent })
  try {
    return await work(log)
  } finally {
    await log.close()
    await broker.remove()
  }
}
