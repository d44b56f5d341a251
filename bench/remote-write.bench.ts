/**
 * Remote write over loopback, to acknowledged in a real Kafka, beside a Prometheus server that receives the same requests in the same run.
 *
 * 10,000 series, 2,000 samples a request, 4 connections. The ingestor's processor time is its own process', the broker's apart on standard
 * error; Prometheus' is the whole of its own, since it stores what it takes itself. Where there is no Prometheus there is no peer.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '@lapwing/kafka-server/free-port'
import { cpuSeconds } from './cpu-time.ts'
import type { Benches, Figure } from './figure.ts'
import { startServices } from './service-processes.ts'
import { bodies, quantile, sendAll, sendPaced, seriesCount, stepMs } from './write-load.ts'
import { openSenders } from './write-sender.ts'

export const benches: Benches = {
  'remote-write/throughput': async () => (await measured()).throughput,
  'remote-write/cpu-per-million': async () => (await measured()).cpu,
  'remote-write/latency-p99': async () => (await measured()).latency,
}

const partitions = 8
const warmRounds = 100
const measuredRounds = 400
const pacedRounds = 100
const pacedSamplesPerSecond = 50_000

interface Figures {
  readonly throughput: Figure
  readonly cpu: Figure
  readonly latency: Figure
}

let all: Promise<Figures> | undefined

function measured(): Promise<Figures> {
  all ??= run()
  return all
}

interface Received {
  readonly samplesPerSecond: number
  readonly cpuSecondsPerMillion: number
  readonly p99Ms: number
}

async function run(): Promise<Figures> {
  const ours = await measureIngestor()
  const theirs = await measurePrometheus()
  const peer = (value: number, peerValue: number | undefined, better: 'higher' | 'lower') =>
    peerValue === undefined
      ? {}
      : {
          peer: 'Prometheus',
          peerValue: rounded(peerValue),
          ratio: rounded(better === 'higher' ? value / peerValue : peerValue / value),
        }
  const { samplesPerSecond, cpuSecondsPerMillion, p99Ms } = ours
  return {
    throughput: {
      bench: 'remote-write/throughput',
      value: Math.round(samplesPerSecond),
      unit: 'samples/s',
      ...peer(samplesPerSecond, theirs?.samplesPerSecond, 'higher'),
    },
    cpu: {
      bench: 'remote-write/cpu-per-million',
      value: rounded(cpuSecondsPerMillion),
      unit: 'CPU s per million samples',
      ...peer(cpuSecondsPerMillion, theirs?.cpuSecondsPerMillion, 'lower'),
    },
    latency: { bench: 'remote-write/latency-p99', value: rounded(p99Ms), unit: 'ms', ...peer(p99Ms, theirs?.p99Ms, 'lower') },
  }
}

async function measureIngestor(): Promise<Received> {
  const services = await startServices(['ingestor'], partitions)
  try {
    const tellBroker = () => services.cpuSeconds().get('broker')!
    const before = tellBroker()
    const received = await measure(`${services.urls.get('ingestor')}/api/v1/write`, () => services.cpuSeconds().get('ingestor')!)
    process.stderr.write(`the broker used ${(tellBroker() - before).toFixed(1)} CPU seconds\n`)
    return received
  } finally {
    await services.close()
  }
}

/** undefined where there is no Prometheus. */
async function measurePrometheus(): Promise<Received | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'lapwing-bench-'))
  const port = await freePort()
  await writeFile(join(folder, 'prometheus.yml'), '')
  const flags = [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.enable-remote-write-receiver',
  ]
  const server = spawn('prometheus', flags, { stdio: 'ignore' })
  try {
    await once(server, 'spawn')
    await untilReady(server, `http://127.0.0.1:${port}/-/ready`)
    return await measure(`http://127.0.0.1:${port}/api/v1/write`, () => cpuSeconds(server.pid!))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    process.stderr.write('no peer: Prometheus is not installed\n')
    return undefined
  } finally {
    if (server.exitCode === null && server.kill('SIGTERM')) await once(server, 'exit')
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(url: string, cpuSecondsUsed: () => number): Promise<Received> {
  const senders = await openSenders(url)
  const rounds = warmRounds + measuredRounds + pacedRounds
  // Prometheus takes nothing older than an hour before the newest that it has, and nothing of ours is to be history.
  const startMs = Math.floor((Date.now() - 60_000) / stepMs) * stepMs
  const spacingMs = 100
  const load = (firstRound: number, count: number) =>
    bodies({ startMs: startMs + firstRound * spacingMs, stepMs: spacingMs, firstRound, rounds: count, samplesPerSeries: 1 })
  await sendAll(senders, load(0, warmRounds))
  const requests = load(warmRounds, measuredRounds)
  const [beganMs, cpuBefore] = [performance.now(), cpuSecondsUsed()]
  await sendAll(senders, requests)
  const [seconds, cpu] = [(performance.now() - beganMs) / 1000, cpuSecondsUsed() - cpuBefore]
  const answeredMs = await sendPaced(senders, load(rounds - pacedRounds, pacedRounds), pacedSamplesPerSecond)
  for (const sender of senders) sender.close()
  const samples = measuredRounds * seriesCount
  return { samplesPerSecond: samples / seconds, cpuSecondsPerMillion: (cpu * 1e6) / samples, p99Ms: quantile(answeredMs, 0.99) }
}

async function untilReady(server: ChildProcess, url: string): Promise<void> {
  for (const endMs = performance.now() + 30_000; ; await delay(100)) {
    const isReady = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return
    if (server.exitCode !== null || performance.now() > endMs) throw new Error('Prometheus did not start')
  }
}

function rounded(value: number): number {
  return Number(value.toPrecision(3))
}
