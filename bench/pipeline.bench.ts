/**
 * The whole way, on one machine with its broker: remote write over HTTP, ingestor, Kafka, detector, scores and anomalies.
 *
 * Throughput: 10,000 warm series, requests of 2,000 samples on 4 connections, as fast as they are taken, until the last score is
 * on the log. Latency: the same at a paced load, with spikes; from the time of the sample record to that of its anomaly. Sender,
 * broker and both services share the machine's processors.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { decode } from '@lapwing/contracts/codec'
import { topicName } from '@lapwing/contracts/topics'
import { encodeWrite, writeHeaders } from '@lapwing/prometheus/remote-write-encoder'
import type { Benches, Figure } from './figure.ts'
import { type PipelineProcesses, startPipeline } from './pipeline-processes.ts'

export const benches: Benches = {
  'pipeline/throughput': async () => (await measured()).throughput,
  'pipeline/latency-p99': async () => (await measured()).latency,
}

const seriesCount = 10_000
const samplesPerRequest = 2000
const connections = 4
const partitions = 8
const warmRounds = 220
const measuredRounds = 150
const pacedRounds = 120
const pacedSamplesPerSecond = 60_000
const spikesPerRound = 10
const stepMs = 5000

let both: Promise<{ throughput: Figure; latency: Figure }> | undefined

/** Both figures come from one run, because the warm-up is the longest part of it. */
function measured(): Promise<{ throughput: Figure; latency: Figure }> {
  both ??= run()
  return both
}

async function run(): Promise<{ throughput: Figure; latency: Figure }> {
  const pipeline = await startPipeline(partitions)
  try {
    const scored = await countScores(pipeline)
    const startMs = Math.floor((Date.now() - (warmRounds + measuredRounds) * stepMs - 600_000) / stepMs) * stepMs
    await sendAll(pipeline.writeUrl, bodies({ startMs, firstRound: 0, rounds: warmRounds, samplesPerSeries: 10 }))
    await scored.until(warmRounds * seriesCount)
    const measuredLoad = { startMs: startMs + warmRounds * stepMs, firstRound: warmRounds, rounds: measuredRounds }
    const load = bodies({ ...measuredLoad, samplesPerSeries: 1 })
    const beganMs = performance.now()
    await sendAll(pipeline.writeUrl, load)
    await scored.until((warmRounds + measuredRounds) * seriesCount)
    const perSecond = (measuredRounds * seriesCount * 1000) / (performance.now() - beganMs)
    const latenciesMs = await pacedLatencies(pipeline)
    await scored.stop()
    return {
      throughput: { bench: 'pipeline/throughput', value: Math.round(perSecond), unit: 'samples/s' },
      latency: { bench: 'pipeline/latency-p99', value: quantile(latenciesMs, 0.99), unit: 'ms' },
    }
  } finally {
    await pipeline.close()
  }
}

interface Load {
  /** Time of the first round. */
  readonly startMs: number
  /** Its number in the life of the series: their values go on from one load to the next, or all of them would be anomalous. */
  readonly firstRound: number
  readonly rounds: number
  /** In a row, in each body. */
  readonly samplesPerSeries: number
  /** Series that are far off. */
  readonly spikes?: ReadonlySet<number>
}

function bodies({ startMs, firstRound, rounds, samplesPerSeries, spikes }: Load): Buffer[] {
  const made: Buffer[] = []
  const seriesPerBody = samplesPerRequest / samplesPerSeries
  for (let round = 0; round < rounds; round += samplesPerSeries) {
    for (let first = 0; first < seriesCount; first += seriesPerBody) {
      const series = Array.from({ length: seriesPerBody }, (_, i) => ({
        labels: labelsOf(first + i),
        timestampsMs: Array.from({ length: samplesPerSeries }, (_, at) => startMs + (round + at) * stepMs),
        values: Array.from({ length: samplesPerSeries }, (_, at) =>
          spikes?.has(first + i) ? 1000 : sampleValue(first + i, firstRound + round + at),
        ),
        flags: Array<number>(samplesPerSeries).fill(0),
      }))
      made.push(encodeWrite(series))
    }
  }
  return made
}

function labelsOf(series: number) {
  return [
    { name: '__name__', value: 'bench_metric' },
    { name: 'instance', value: `host-${Math.floor(series / 20)}:9100` },
    { name: 'job', value: 'bench' },
    { name: 'number', value: String(series) },
  ]
}

function sampleValue(series: number, round: number): number {
  return 50 + 10 * Math.sin((round + series) / 30) + Math.sin(series * 7.3 + round * 12.9)
}

async function sendAll(url: string, all: readonly Buffer[]): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < all.length) await sendOne(url, all[next++]!)
  }
  await Promise.all(Array.from({ length: connections }, worker))
}

async function sendOne(url: string, body: Buffer): Promise<void> {
  for (;;) {
    const answer = await fetch(url, { method: 'POST', headers: writeHeaders, body: new Blob([body]) })
    await answer.arrayBuffer()
    if (answer.status === 204) return
    if (answer.status !== 503 && answer.status !== 429) throw new Error(`remote write was answered with ${answer.status}`)
    await delay(20)
  }
}

async function countScores({
  log,
}: PipelineProcesses): Promise<{ until(samples: number): Promise<void>; stop(): Promise<void> }> {
  let samples = 0
  const following = await log.follow({
    topics: [topicName('lapwing', 'scores')],
    from: 'earliest',
    onBatch: async ({ records }) => {
      for (const { value } of records) samples += decode('ScoreBatch', value!).flags.length
    },
    onFatal: (error) => {
      throw error
    },
  })
  return {
    until: async (wanted) => {
      for (const endMs = performance.now() + 180_000; samples < wanted; await delay(5)) {
        if (performance.now() > endMs) throw new Error(`${samples} of ${wanted} samples were scored in 180 s`)
      }
    },
    stop: () => following.stop(),
  }
}

/** Time from a sample record to the anomaly that it opened, for each spike, in milliseconds. */
async function pacedLatencies({ log, writeUrl }: PipelineProcesses): Promise<number[]> {
  const sampleRecordMs = new Map<string, number>()
  const openedMs: { key: string; atMs: number }[] = []
  const [samples, anomalies] = [topicName('lapwing', 'samples'), topicName('lapwing', 'anomalies')]
  const following = await log.follow({
    topics: [samples, anomalies],
    from: 'latest',
    onBatch: async ({ topic, partition, records }) => {
      for (const { value, timestampMs } of records) {
        if (topic === samples) sampleRecordMs.set(`${partition}/${decode('SampleBatch', value!).newestMs}`, timestampMs)
        else openedMs.push({ key: `${partition}/${decode('Anomaly', value!).observedAtMs}`, atMs: timestampMs })
      }
    },
    onFatal: (error) => {
      throw error
    },
  })
  const roundMs = (seriesCount * 1000) / pacedSamplesPerSecond
  const firstMs = Math.floor(Date.now() / stepMs) * stepMs - pacedRounds * stepMs * 0.4
  // Made beforehand: a sender that encodes while it is being measured takes the processors from what it measures.
  const loads = Array.from({ length: pacedRounds }, (_, round) => {
    const spikes = new Set(Array.from({ length: spikesPerRound }, (_, i) => (round * 131 + i * 977) % seriesCount))
    const firstRound = warmRounds + measuredRounds + round
    return bodies({ startMs: firstMs + round * stepMs, firstRound, rounds: 1, samplesPerSeries: 1, spikes })
  })
  let dueMs = performance.now()
  for (const load of loads) {
    await delay(Math.max(0, dueMs - performance.now()))
    await sendAll(writeUrl, load)
    dueMs += roundMs
  }
  await delay(1000)
  await following.stop()
  const latenciesMs = openedMs.flatMap(({ key, atMs }) => (sampleRecordMs.has(key) ? [atMs - sampleRecordMs.get(key)!] : []))
  if (latenciesMs.length < 100) throw new Error(`only ${latenciesMs.length} anomalies to measure`)
  return latenciesMs
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}
