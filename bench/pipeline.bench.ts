/**
 * The whole way, on one machine with its broker: remote write over HTTP, ingestor, Kafka, detector, scores and anomalies.
 *
 * Throughput: 10,000 warm series, requests of 2,000 samples on 4 connections, as fast as they are taken, until the last score is
 * on the log. Latency: the same, one request after the other at half of the load that is asked for, with spikes; from the time of
 * the sample record to that of its anomaly. Sender, broker and both services share the machine's processors; how much each used
 * is told on standard error.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { decode } from '@lapwing/contracts/codec'
import { float64Column, uint32Column } from '@lapwing/contracts/columns'
import type { SampleBatch } from '@lapwing/contracts/records'
import { keyText } from '@lapwing/contracts/series-table'
import { topicName } from '@lapwing/contracts/topics'
import type { Log, LogRecord } from '@lapwing/stream/log'
import type { Benches, Figure } from './figure.ts'
import { type ServiceProcesses, startServices } from './service-processes.ts'
import { bodies, quantile, samplesPerRequest, sendAll, sendPaced, seriesCount, stepMs } from './write-load.ts'
import { openSenders } from './write-sender.ts'

export const benches: Benches = {
  'pipeline/throughput': async () => (await measured()).throughput,
  'pipeline/latency-p99': async () => (await measured()).latency,
}

const partitions = 8
const warmRounds = 220
const measuredRounds = 450
const pacedRounds = 120
/** Half of the 150,000 samples/s that the pipeline has to take. */
const pacedSamplesPerSecond = 75_000
const spikesPerRound = 10
const samplesTopic = topicName('lapwing', 'samples')
const scoresTopic = topicName('lapwing', 'scores')
const anomaliesTopic = topicName('lapwing', 'anomalies')

let both: Promise<{ throughput: Figure; latency: Figure }> | undefined

/** Both figures come from one run, because the warm-up is the longest part of it. */
function measured(): Promise<{ throughput: Figure; latency: Figure }> {
  both ??= run()
  return both
}

async function run(): Promise<{ throughput: Figure; latency: Figure }> {
  const services = await startServices(['ingestor', 'detector'], partitions)
  const url = `${services.urls.get('ingestor')}/api/v1/write`
  const senders = await openSenders(url)
  try {
    const startMs = Math.floor((Date.now() - (warmRounds + measuredRounds) * stepMs - 600_000) / stepMs) * stepMs
    await sendAll(senders, bodies({ startMs, firstRound: 0, rounds: warmRounds, samplesPerSeries: 10 }))
    await untilScored(services)
    const load = bodies({
      startMs: startMs + warmRounds * stepMs,
      firstRound: warmRounds,
      rounds: measuredRounds,
      samplesPerSeries: 1,
    })
    const samples = measuredRounds * seriesCount
    const tellCpu = accountCpu(services)
    const beganMs = performance.now()
    await sendAll(senders, load)
    await untilScored(services)
    const perSecond = (samples * 1000) / (performance.now() - beganMs)
    tellCpu(samples)
    await refuseUnlessScored(services, (warmRounds + measuredRounds) * seriesCount)
    const latenciesMs = await pacedLatencies(services, url)
    return {
      throughput: { bench: 'pipeline/throughput', value: Math.round(perSecond), unit: 'samples/s' },
      latency: { bench: 'pipeline/latency-p99', value: quantile(latenciesMs, 0.99), unit: 'ms' },
    }
  } finally {
    for (const sender of senders) sender.close()
    await services.close()
  }
}

/** There is a record of scores for each record of samples. */
async function untilScored({ log }: ServiceProcesses): Promise<void> {
  const wanted = await recordCount(log, samplesTopic)
  for (const endMs = performance.now() + 180_000; ; await delay(20)) {
    const scored = await recordCount(log, scoresTopic)
    if (scored === wanted) return
    if (performance.now() > endMs) throw new Error(`${scored} of ${wanted} records were scored in 180 s`)
  }
}

async function recordCount(log: Log, topic: string): Promise<bigint> {
  return (await log.offsets(topic)).reduce((sum, { next }) => sum + next, 0n)
}

/** Whether the records really hold a score for every sample: read back when nothing is being measured. */
async function refuseUnlessScored({ log }: ServiceProcesses, samples: number): Promise<void> {
  let scored = 0
  const begins = Array.from({ length: partitions }, () => ({ next: 0n }))
  for await (const { value } of recordsSince(log, scoresTopic, begins)) scored += decode('ScoreBatch', value!).flags.length
  if (scored !== samples) throw new Error(`${scored} of ${samples} samples were scored`)
}

/** Begins to count; the function tells on standard error what a million samples cost each process. */
function accountCpu(services: ServiceProcesses): (samples: number) => void {
  const before = services.cpuSeconds()
  const own = process.cpuUsage()
  return (samples) => {
    const { user, system } = process.cpuUsage(own)
    const used = [...services.cpuSeconds()].map(([name, seconds]): [string, number] => [name, seconds - before.get(name)!])
    const each = [...used, ['sender', (user + system) / 1e6] as const]
    const text = each.map(([name, seconds]) => `${name} ${((seconds * 1e6) / samples).toFixed(2)}`).join(', ')
    process.stderr.write(`CPU seconds per million samples: ${text}\n`)
  }
}

/** Time from the record of a sample to that of its anomaly, for each spike and each end of one, in milliseconds. */
async function pacedLatencies(services: ServiceProcesses, url: string): Promise<number[]> {
  const [samples, anomalies] = [await services.log.offsets(samplesTopic), await services.log.offsets(anomaliesTopic)]
  const firstMs = Math.floor(Date.now() / stepMs) * stepMs - pacedRounds * stepMs * 0.4
  // Made beforehand: a sender that encodes while it is being measured takes the processors from what it measures.
  const load = Array.from({ length: pacedRounds }, (_, round) => {
    const spikes = new Set(Array.from({ length: spikesPerRound }, (_, i) => (round * 131 + i * 977) % seriesCount))
    const firstRound = warmRounds + measuredRounds + round
    return bodies({ startMs: firstMs + round * stepMs, firstRound, rounds: 1, samplesPerSeries: 1, spikes })
  }).flat()
  const tellCpu = accountCpu(services)
  // New ones: the receiver has closed those that were idle while the scores were read back.
  const senders = await openSenders(url)
  await sendPaced(senders, load, pacedSamplesPerSecond)
  for (const sender of senders) sender.close()
  await untilScored(services)
  tellCpu(load.length * samplesPerRequest)
  const anomalyMs = new Map<string, number>()
  for await (const { value, timestampMs } of recordsSince(services.log, anomaliesTopic, anomalies)) {
    const { seriesKey, observedAtMs } = decode('Anomaly', value!)
    anomalyMs.set(`${seriesKey}/${observedAtMs}`, timestampMs)
  }
  const latenciesMs: number[] = []
  for await (const { value, timestampMs } of recordsSince(services.log, samplesTopic, samples)) {
    for (const sample of sampleNames(decode('SampleBatch', value!))) {
      const openedMs = anomalyMs.get(sample)
      if (openedMs !== undefined) latenciesMs.push(openedMs - timestampMs)
    }
  }
  const marks = [0.5, 0.9, 0.99, 1].map((share) => `${share * 100} %: ${quantile(latenciesMs, share)} ms`)
  process.stderr.write(`from sample to anomaly, ${latenciesMs.length} of them: ${marks.join(', ')}\n`)
  if (latenciesMs.length < 1000) throw new Error(`only ${latenciesMs.length} anomalies to measure`)
  return latenciesMs
}

async function* recordsSince(log: Log, topic: string, begins: readonly { next: bigint }[]): AsyncGenerator<LogRecord> {
  const ends = await log.offsets(topic)
  for (const [partition, { next: begin }] of begins.entries()) {
    for await (const records of log.readRange(topic, partition, begin, ends[partition]!.next)) yield* records
  }
}

/** Series and time of each sample, as its anomaly names them. */
function* sampleNames(batch: SampleBatch): Generator<string> {
  const counts = uint32Column(batch.samplesPerSeries)
  const timestampsMs = float64Column(batch.timestampsMs)
  for (let series = 0, at = 0; series < counts.length; series++) {
    const key = keyText(batch.series, series)
    for (const end = at + counts[series]!; at < end; at++) yield `${key}/${timestampsMs[at]}`
  }
}
