/**
 * The detector under random faults, in memory: members that come, stop, die and sleep, checkpoints that fail or whose answer is lost, in any
 * order. Whatever happens, scores are bit for bit those of a calm run and the anomaly ids are the same.
 *
 * Every case is a seed; a failure names it. `LAPWING_SEEDS=n` runs more of them, `LAPWING_SEED=s` one.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { decode } from '@lapwing/contracts/codec'
import { snapshotVersion } from '@lapwing/detection/series-detector'
import { LogError } from '@lapwing/stream/errors'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Consumption, Log, OutgoingRecord } from '@lapwing/stream/log'
import { runStatefulStage } from '@lapwing/stream/stateful-stage'
import { wrappedLog } from '@lapwing/stream/testing/wrapped-log'
import type { Timing } from '@lapwing/stream/timing'
import { expect, test } from 'vitest'
import { sampleRecord } from '../testing/sample-batch.ts'
import { detectorSchema } from './config.ts'
import { createDetectStep, modelName } from './detect.ts'

const stepMs = 15_000
const rounds = 260
const partitions = 2
const config = detectorSchema.parse({})
const seeds = process.env.LAPWING_SEED
  ? [Number(process.env.LAPWING_SEED)]
  : Array.from({ length: Number(process.env.LAPWING_SEEDS ?? 1000) }, (_, i) => i + 1)

test(`${seeds.length} seeds: no score differs, no anomaly is missing or extra`, { timeout: 300_000 }, async () => {
  const calm = await run(undefined)
  expect(calm.anomalies.length).toBeGreaterThan(3)
  for (const seed of seeds) {
    const outcome = await run(randomOf(seed)).catch((error: Error) => ({ failed: error.message }))
    expect(outcome, `seed ${seed}`).toEqual(calm)
  }
})

interface Outcome {
  /** Bits of each score record, by partition and source offset. */
  readonly scores: readonly string[]
  readonly anomalies: readonly string[]
}

/** A member of the group, as a process would be: once it is dead, nothing of it reaches the log. */
interface Member {
  readonly consumption: Consumption
  readonly life: { isDead: boolean }
}

async function run(random: (() => number) | undefined): Promise<Outcome> {
  const log = createInProcessLog({ timing: hurried() })
  await createTopics(log)
  const producer = await log.producer()
  const members: Member[] = []
  const join = async () => void members.push(await startMember(log, random))
  const leave = async (dies: boolean) => {
    const [member] = members.splice(0, 1)
    if (!member) return
    member.life.isDead = dies
    // Whoever dies cannot take its leave: its last checkpoint fails.
    await member.consumption.stop().catch(() => undefined)
  }
  await join()
  for (let round = 0; round < rounds; round++) {
    await producer.send(recordsOf(round))
    // The members get as far as chance has it: behind, level, or in the middle of something.
    for (let turn = Math.floor((random?.() ?? 0) * 8); turn > 0; turn--) await nextTurn()
    const dice = random?.() ?? 1
    if (dice < 0.02) await join()
    else if (dice < 0.05) await leave(dice < 0.04)
    if (members.length === 0) await join()
  }
  const outcome = await settled(log)
  while (members.length > 0) await leave(false)
  return outcome
}

async function startMember(log: Log, random: (() => number) | undefined): Promise<Member> {
  const life = { isDead: false }
  const consumption = await runStatefulStage({
    log: mortal(log, life, random),
    group: 'detector',
    input: 'samples',
    deadLetters: 'dead-letters',
    service: 'detector',
    state: {
      topic: 'state',
      version: snapshotVersion,
      configHash: modelName(config),
      intervalMs: random && random() < 0.5 ? 5 : 0,
    },
    createStep: async () => createDetectStep({ config, scoresTopic: 'scores', anomaliesTopic: 'anomalies', observe: () => {} }),
    observer: { batch: () => {}, deadLetter: () => {}, assigned: () => {} },
    onState: () => {},
    onFatal: () => {},
  })
  return { consumption, life }
}

/** The log as a process sees it that may die, and whose commits may fail, before or after they took effect. */
function mortal(log: Log, life: { readonly isDead: boolean }, random: (() => number) | undefined): Log {
  const alive = () => {
    if (life.isDead) throw new LogError('closed')
  }
  return wrappedLog(log, {
    producer: async () => {
      const producer = await log.producer()
      return {
        ...producer,
        send: async (records) => {
          alive()
          await producer.send(records)
        },
      }
    },
    fencedProducer: async (id) => {
      alive()
      const producer = await log.fencedProducer(id)
      const commit = async (records: readonly OutgoingRecord[]) => {
        alive()
        const dice = random?.() ?? 1
        if (dice < 0.03) throw new LogError('timeout', 'before it took effect')
        await producer.commit(records)
        if (dice < 0.06) throw new LogError('timeout', 'after it took effect')
      }
      return { ...producer, send: commit, commit }
    },
  })
}

async function createTopics(log: Log): Promise<void> {
  const of = (topic: string, cleanup: 'delete' | 'compact') => ({ topic, partitions, cleanup, retentionMs: undefined })
  await log.ensureTopics([
    of('samples', 'delete'),
    of('scores', 'delete'),
    of('anomalies', 'delete'),
    of('dead-letters', 'delete'),
    of('state', 'compact'),
  ])
}

/** Waits that take no time, and a clock that only goes on. */
function hurried(): Timing {
  let nowMs = 0
  return {
    epochMs: () => nowMs++,
    monotonicMs: () => nowMs++,
    sleep: () => nextTurn(),
  }
}

/** Made once: the workload is the same for every seed. */
const workload = Array.from({ length: rounds }, (_, round) =>
  Array.from({ length: partitions }, (_, partition) => {
    const value =
      10 + Math.sin(round / 9 + partition) + Math.sin(round * 12.9) / 3 + (round % 23 === 3 && round > 200 ? 40 + round : 0)
    return sampleRecord([
      { labels: { __name__: 'load', instance: `host-${partition}` }, samples: [[(round + 1) * stepMs, value]] },
    ]).value
  }),
)

function recordsOf(round: number): OutgoingRecord[] {
  return workload[round]!.map((value, partition) => ({ topic: 'samples', partition, key: null, value }))
}

/** What is on the log once every sample is scored; repetitions must be equal and count once. */
async function settled(log: Log): Promise<Outcome> {
  for (const endMs = performance.now() + 10_000; ; await nextTurn()) {
    const records = await log.readToEnd('scores')
    const scores = new Set(records.map(({ partition, value }) => scoreText(partition, value!)))
    if (scores.size >= rounds * partitions) {
      const anomalies = (await log.readToEnd('anomalies')).map(({ value }) => decode('Anomaly', value!).id)
      return { scores: [...scores].sort(), anomalies: [...new Set(anomalies)].sort() }
    }
    if (performance.now() > endMs) throw new Error(`${scores.size} of ${rounds * partitions} samples were scored`)
  }
}

function scoreText(partition: number, value: Uint8Array): string {
  const { sourceOffset, scores } = decode('ScoreBatch', value)
  return `${partition}/${sourceOffset}: ${scores.toString('hex')}`
}

function randomOf(seed: number): () => number {
  let state = Math.imul(seed, 2654435761) >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 4294967296
  }
}
