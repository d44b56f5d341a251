/**
 * Killing the detector, on real Kafka: every sample is learned once per surviving state, scores are bit for bit those of a run without
 * faults, and the set of anomaly ids is identical. Duplicates on the wire are allowed and counted.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { decode } from '@lapwing/contracts/codec'
import { sortedLabels } from '@lapwing/contracts/series'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { cacheDirectory } from '@lapwing/kafka-server/cache-directory'
import { type KafkaServer, startKafka } from '@lapwing/kafka-server/server'
import { sampleRecords } from '@lapwing/prometheus/sample-batches'
import { identify } from '@lapwing/prometheus/series-samples'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log, OutgoingRecord } from '@lapwing/stream/log'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const partitions = 4
const seriesCount = 40
const rounds = 400
const stepMs = 15_000
const silent = { debug: () => {}, warn: () => {}, error: () => {} }
const seed = Number(process.env.LAPWING_SEED ?? 20_261_123)

describe('a detector that is killed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-faults-'))
  let kafka: KafkaServer
  let log: Log
  let calm: Outcome

  beforeAll(async () => {
    process.stderr.write(`seed ${seed}\n`)
    kafka = await startKafka({
      cacheDirectory: cacheDirectory(process.env, homedir()),
      dataDirectory: folder,
      repository: process.env.MAVEN_REPOSITORY,
      javaHome: process.env.JAVA_HOME,
      onProgress: () => {},
    })
    log = createKafkaLog({ brokers: kafka.brokers, clientId: 'lapwing-faults', logger: silent })
    calm = await runWorkload('calm', async () => {})
  })
  afterAll(async () => {
    await log?.close()
    await kafka?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('the workload has scores and anomalies to lose', () => {
    expect(calm.scores.size).toBe(seriesCount * rounds)
    expect(calm.anomalyIds.size).toBeGreaterThan(10)
    expect(calm.repeated).toBe(0)
  })

  test('at random moments under load: no score differs, no anomaly is missing or extra', async () => {
    const random = seeded(seed)
    const outcome = await runWorkload('killed', async (detectors) => {
      for (let kill = 0; kill < 8; kill++) {
        await delay(300 + 900 * random())
        detectors.killOne()
      }
    })
    expectSame(outcome)
  })

  test('stopped in order while others take over: one, then three, then one', async () => {
    const outcome = await runWorkload('scaled', async (detectors) => {
      detectors.add()
      detectors.add()
      await delay(6000)
      await detectors.stopOne()
      await delay(3000)
      await detectors.stopOne()
    })
    expectSame(outcome)
  })

  /** A sleeper beyond its session: another takes over, and it wakes up believing that nothing happened. */
  test('asleep for longer than its session: its late writes change nothing', async () => {
    const outcome = await runWorkload('asleep', async (detectors) => {
      detectors.add()
      await delay(4000)
      detectors.pauseOne()
      await delay(36_000)
      detectors.resume()
    })
    expectSame(outcome)
  })

  function expectSame(outcome: Outcome): void {
    const differing = [...calm.scores].filter(([sample, score]) => outcome.scores.get(sample) !== score)
    process.stderr.write(
      `  ${outcome.name}: ${outcome.scores.size} of ${calm.scores.size} samples scored, ${differing.length} scores differ, ${outcome.anomalyIds.size} anomalies, ${outcome.repeated} score records repeated\n`,
    )
    expect(differing.slice(0, 3)).toEqual([])
    expect(outcome.scores.size).toBe(calm.scores.size)
    expect([...outcome.anomalyIds].sort()).toEqual([...calm.anomalyIds].sort())
  }

  async function runWorkload(name: string, disturb: (detectors: Detectors) => Promise<void>): Promise<Outcome> {
    const prefix = `faults-${name}`
    await log.ensureTopics(topicSpecs(prefix, partitions))
    const detectors = createDetectors(prefix, kafka.brokers[0])
    detectors.add()
    try {
      const disturbing = disturb(detectors)
      const producer = await log.producer()
      for (let round = 0; round < rounds; round++) {
        await producer.send(samplesOf(round, prefix))
        await delay(10)
      }
      await producer.close()
      await disturbing
      return await eventually(
        async () => {
          const outcome = await readOutcome(name, prefix)
          return outcome.scores.size === seriesCount * rounds && outcome
        },
        { what: `${name}: every sample is scored`, deadlineMs: 120_000, everyMs: 1000 },
      )
    } finally {
      await detectors.stopAll()
    }
  }

  async function readOutcome(name: string, prefix: string): Promise<Outcome> {
    const scores = new Map<string, string>()
    let repeated = 0
    for (const { value, partition } of await log.readToEnd(topicName(prefix, 'scores'))) {
      const { sourceOffset, scores: bytes } = decode('ScoreBatch', value!)
      const sample = `${partition}/${sourceOffset}`
      if (scores.has(`${sample}/0`)) repeated++
      for (let at = 0; at < bytes.length; at += 4) scores.set(`${sample}/${at / 4}`, bytes.toString('hex', at, at + 4))
    }
    const anomalies = (await log.readToEnd(topicName(prefix, 'anomalies'))).map(({ value }) => decode('Anomaly', value!).id)
    return { name, scores, repeated, anomalyIds: new Set(anomalies) }
  }
})

interface Outcome {
  readonly name: string
  /** Bits of the score of each sample, the last one written. */
  readonly scores: ReadonlyMap<string, string>
  readonly anomalyIds: ReadonlySet<string>
  /** Score records that were written more than once. */
  readonly repeated: number
}

interface Detectors {
  add(): void
  /** SIGKILL, and a new one in its place. */
  killOne(): void
  stopOne(): Promise<void>
  pauseOne(): void
  resume(): void
  stopAll(): Promise<void>
}

function createDetectors(prefix: string, broker: string): Detectors {
  const running: ChildProcess[] = []
  let paused: ChildProcess | undefined
  const add = () => {
    const settings = [
      'detector.port=0',
      `kafka.partitions=${partitions}`,
      `kafka.topic_prefix=${prefix}`,
      'detector.checkpoint_interval=1s',
    ]
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', 'services/detector/src/main.ts', ...settings.flatMap((set) => ['--set', set])],
      {
        cwd: root,
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, KAFKA_BROKERS: broker },
      },
    )
    running.push(child)
  }
  const end = async (child: ChildProcess, signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await exited
  }
  return {
    add,
    killOne: () => {
      running.shift()?.kill('SIGKILL')
      add()
    },
    stopOne: async () => {
      const child = running.shift()
      if (child) await end(child, 'SIGTERM')
    },
    pauseOne: () => {
      paused = running[0]
      paused?.kill('SIGSTOP')
    },
    resume: () => void paused?.kill('SIGCONT'),
    stopAll: async () => {
      paused?.kill('SIGCONT')
      await Promise.all(running.map((child) => end(child, 'SIGTERM')))
    },
  }
}

function samplesOf(round: number, prefix: string): OutgoingRecord[] {
  const all = Array.from({ length: seriesCount }, (_, series) => ({
    series: identify(
      sortedLabels([
        ['__name__', 'load'],
        ['instance', `host-${series}`],
      ]),
      ['instance'],
    ),
    timestampMs: (round + 1) * stepMs,
    value:
      10 +
      Math.sin((round + series) / 9) +
      Math.sin(series * 7.3 + round * 12.9) / 3 +
      (round > 250 && (round + series * 11) % 97 < 4 ? 40 : 0),
  }))
  const samples = all.map(({ series, timestampMs, value }) => ({
    series,
    timestampsMs: [timestampMs],
    values: [value],
    flags: [0],
  }))
  return sampleRecords(samples, { source: 'faults', kind: 'live', stepMs }, partitions).map(({ partition, value }) => ({
    topic: topicName(prefix, 'samples'),
    partition,
    key: null,
    value,
  }))
}

/** Numbers in [0, 1); the same seed gives the same. */
function seeded(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 4294967296
  }
}
