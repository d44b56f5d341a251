/** What is pushed in the benches: 10,000 series with four labels each, 2,000 samples a request. */
import { setTimeout as delay } from 'node:timers/promises'
import { encodeWrite } from '@lapwing/prometheus/remote-write-encoder'
import type { WriteSender } from './write-sender.ts'

export const seriesCount = 10_000
export const samplesPerRequest = 2000
export const stepMs = 5000

export interface Load {
  /** Time of the first round. */
  readonly startMs: number
  /** Its number in the life of the series: their values go on from one load to the next, or all of them would be anomalous. */
  readonly firstRound: number
  readonly rounds: number
  /** In a row, in each body. */
  readonly samplesPerSeries: number
  /** Between two rounds; `stepMs` when absent. */
  readonly stepMs?: number
  /** Series that are far off. */
  readonly spikes?: ReadonlySet<number>
}

/** Requests of `samplesPerRequest` samples, encoded beforehand. */
export function bodies({ startMs, firstRound, rounds, samplesPerSeries, stepMs: everyMs = stepMs, spikes }: Load): Buffer[] {
  const made: Buffer[] = []
  const seriesPerBody = samplesPerRequest / samplesPerSeries
  for (let round = 0; round < rounds; round += samplesPerSeries) {
    for (let first = 0; first < seriesCount; first += seriesPerBody) {
      const series = Array.from({ length: seriesPerBody }, (_, i) => ({
        labels: labelsOf(first + i),
        timestampsMs: Array.from({ length: samplesPerSeries }, (_, at) => startMs + (round + at) * everyMs),
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

/** Requests that hold all series once. */
const requestsPerRound = seriesCount / samplesPerRequest

/**
 * In turn over all connections, as fast as they are taken. Requests with the same series wait for each other, as a sender has to keep
 * their order.
 */
export async function sendAll(senders: readonly WriteSender[], all: readonly Buffer[]): Promise<void> {
  let next = 0
  const sent: Promise<unknown>[] = []
  const work = async (sender: WriteSender) => {
    while (next < all.length) {
      const at = next++
      const before = sent[at % requestsPerRound]
      const sending = Promise.resolve(before).then(() => sender.send(all[at]!))
      sent[at % requestsPerRound] = sending
      await sending
    }
  }
  await Promise.all(senders.map(work))
}

/** Each request at its time, or as soon as a connection is free. Returns how long each took to be answered, in milliseconds. */
export async function sendPaced(
  senders: readonly WriteSender[],
  all: readonly Buffer[],
  samplesPerSecond: number,
): Promise<number[]> {
  const everyMs = (samplesPerRequest * 1000) / samplesPerSecond
  const answeredMs: number[] = []
  const startMs = performance.now()
  let next = 0
  const work = async (sender: WriteSender) => {
    while (next < all.length) {
      const at = next++
      await delay(Math.max(0, startMs + at * everyMs - performance.now()))
      answeredMs.push(await sender.send(all[at]!))
    }
  }
  await Promise.all(senders.map(work))
  return answeredMs
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}
