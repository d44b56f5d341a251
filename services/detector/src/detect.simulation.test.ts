/**
 * The detector under random faults, in memory: members that come, stop, die and sleep, checkpoints that fail or whose answer is lost, and
 * verdicts of people at any moment, in any order.
 *
 * What is compared: a verdict takes effect where a checkpoint that came true names it (`sidePositions` of the marker). A calm run in
 * which the same verdicts take effect behind the same samples gives one version of every score record (scores and states, bit for
 * bit) and every anomaly (id, severity, verdict). Everything that was ever written, repetitions and all, is exactly that.
 *
 * One case in five begins with an empty log, the others with a checkpoint made before the first anomaly, where things begin to happen.
 * In one of eight of those that begin with nothing no checkpoint comes true before some moment: owner after owner begins anew, behind what was told.
 *
 * Every case is a seed; a failure names it. `LAPWING_SEEDS=n` runs more of them, `LAPWING_SEED=s` one.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { decode } from '@lapwing/contracts/codec'
import type { Anomaly, Verdict } from '@lapwing/contracts/records'
import { snapshotVersion } from '@lapwing/detection/series-detector'
import { stateName } from '@lapwing/queries/detector-settings'
import { LogError } from '@lapwing/stream/errors'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import type { Consumption, Log, LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import { type KeyState, PartitionState } from '@lapwing/stream/partition-state'
import { runStatefulStage } from '@lapwing/stream/stateful-stage'
import { wrappedLog } from '@lapwing/stream/testing/wrapped-log'
import type { Timing } from '@lapwing/stream/timing'
import { expect, test } from 'vitest'
import { takeCheckpoint } from '../testing/checkpoint.ts'
import { feedbackOn, feedbackRecord } from '../testing/feedback.ts'
import { sampleRecord } from '../testing/sample-batch.ts'
import { detectorSchema } from './config.ts'
import { createDetectStep } from './detect.ts'
import { isOfSeries } from './left-open.ts'
import { readLeftOpen } from './read-left-open.ts'

const stepMs = 15_000
const rounds = 260
/** Before the first anomaly. */
const quietRounds = 200
const partitions = 2
const config = detectorSchema.parse({})
const seeds = process.env.LAPWING_SEED
  ? [Number(process.env.LAPWING_SEED)]
  : Array.from({ length: Number(process.env.LAPWING_SEEDS ?? 1000) }, (_, i) => i + 1)

test(`${seeds.length} seeds: no score differs, no anomaly is missing or extra`, { timeout: 300_000 }, async () => {
  expect(calmOutcome([], 0).anomalies.length).toBeGreaterThan(3)
  const silences = calmOutcome([], 0).anomalies.filter((text) => text.includes(' silence ')).length
  expect(silences).toBeGreaterThan(partitions)
  let suppressed = 0
  for (const seed of seeds) {
    const from = seed % 5 === 0 ? 0 : quietRounds
    const isCold = seed % 40 === 5
    const { outcome, applied } = await run(randomOf(seed), from, isCold).catch((error: Error) => ({
      outcome: { scores: [error.message], anomalies: [] },
      applied: [],
    }))
    const calm = calmOutcome(applied, from)
    const where = JSON.stringify(applied.map(({ partition, behind }) => [partition, behind]))
    expect(differences(outcome, calm), `seed ${seed}, verdicts applied at ${where}`).toEqual([])
    suppressed += calm.anomalies.filter((text) => text.endsWith('false_alarm')).length
  }
  // Enough of them that the comparison means something; how many it is depends on when checkpoints are due.
  if (seeds.length > 20) expect(suppressed).toBeGreaterThan(seeds.length / 20)
})

interface Outcome {
  /** Bits of each score record, by partition and source offset; every version of it that was written. */
  readonly scores: readonly string[]
  readonly anomalies: readonly string[]
}

/** What only one of them has: `+` what was told, `-` what should have been. */
function differences(told: Outcome, calm: Outcome): string[] {
  const only = (sign: string, one: readonly string[], other: readonly string[]) => {
    const known = new Set(other)
    return one.flatMap((text) => (known.has(text) ? [] : [`${sign} ${text}`]))
  }
  const both = ({ scores, anomalies }: Outcome) => [...scores, ...anomalies]
  return [...only('+', both(told), both(calm)), ...only('-', both(calm), both(told))]
}

/** A verdict in a partition, behind this offset of the samples. */
interface Application {
  readonly partition: number
  readonly behind: number
  readonly record: LogRecord
}

/** What a marker that came true says. */
interface Marked {
  readonly partition: number
  readonly sourceOffset: number
  readonly nextVerdict: number
}

/** A member of the group, as a process would be: once it is dead, nothing of it reaches the log. */
interface Member {
  readonly consumption: Consumption
  readonly life: { isDead: boolean }
}

interface SimulatedRun {
  readonly outcome: Outcome
  readonly applied: readonly Application[]
}

async function run(random: () => number, from: number, isCold: boolean): Promise<SimulatedRun> {
  const log = createInProcessLog({ timing: hurried() })
  const coldUntil = isCold ? quietRounds + Math.floor(random() * (rounds - quietRounds)) : 0
  let sent = 0
  const isLost = () => sent < coldUntil
  await createTopics(log)
  const producer = await log.producer()
  for (let round = 0; round < from; round++) await producer.send(recordsOf(round))
  if (from > 0) await putQuietCheckpoint(log)
  const members: Member[] = []
  const marked: Marked[] = []
  const join = async () => void members.push(await startMember(log, { random, isLost }, marked))
  const leave = async (dies: boolean) => {
    const [member] = members.splice(0, 1)
    if (!member) return
    member.life.isDead = dies
    // Whoever dies cannot take its leave: its last checkpoint fails.
    await member.consumption.stop().catch(() => undefined)
  }
  await join()
  for (let round = from; round < rounds; round++) {
    await producer.send(recordsOf(round))
    sent = round
    // The members get as far as chance has it: behind, level, or in the middle of something.
    for (let turn = Math.floor(random() * 8); turn > 0; turn--) await nextTurn()
    if (round > quietRounds && random() < 0.2) await producer.send(await someVerdict(log, random))
    const dice = random()
    if (dice < 0.02) await join()
    else if (dice < 0.05) await leave(dice < 0.04)
    if (members.length === 0) await join()
  }
  const outcome = await settled(log, (rounds - from) * partitions)
  while (members.length > 0) await leave(false)
  return { outcome, applied: applications(marked, await log.readToEnd('feedback')) }
}

/** What a person says of some anomaly that was told, or takes back. */
async function someVerdict(log: Log, random: () => number): Promise<OutgoingRecord[]> {
  const told = await log.readToEnd('anomalies')
  if (told.length === 0) return []
  const { partition, value } = told[Math.floor(random() * told.length)]!
  const verdict = sayings[Math.floor(random() * sayings.length)]!
  const untilMs = verdict === 'expected' ? Math.round(quietRounds + random() * 100) * stepMs : null
  const feedback = feedbackOn(decode('Anomaly', value!), { verdict, untilMs })
  return [{ topic: 'feedback', partition, ...feedbackRecord(feedback, { isTombstone: random() < 0.1 }) }]
}

const sayings: readonly Verdict[] = ['false_alarm', 'false_alarm', 'expected', 'new_normal', 'confirmed', 'undone']

/** Where each verdict took effect first, which is where it did for good. */
function applications(marked: readonly Marked[], verdicts: readonly LogRecord[]): Application[] {
  return verdicts.flatMap((record) => {
    const { partition, offset } = record
    const first = marked.find((one) => one.partition === partition && one.nextVerdict > offset)
    return first ? [{ partition, behind: first.sourceOffset, record }] : []
  })
}

/** What decides whether a checkpoint comes true. */
interface Chance {
  random(): number
  isLost(): boolean
}

async function startMember(log: Log, chance: Chance, marked: Marked[]): Promise<Member> {
  const life = { isDead: false }
  const consumption = await runStatefulStage({
    log: mortal(log, life, chance, marked),
    group: 'detector',
    input: 'samples',
    sideInputs: [{ topic: 'feedback', partitions: 'own', intervalMs: 0 }],
    deadLetters: 'dead-letters',
    service: 'detector',
    state: { ...stateLayout, intervalMs: chance.random() < 0.5 ? 5 : 0 },
    createStep: async (partition) => createStep(() => readLeftOpen(log, 'anomalies', partition, isOfSeries)),
    observer: { batch: () => {}, deadLetter: () => {}, assigned: () => {} },
    onState: () => {},
    onFatal: () => {},
  })
  return { consumption, life }
}

const stateLayout = { topic: 'state', version: snapshotVersion, configHash: stateName(config), intervalMs: 0 }

/** What a member would have left that stopped in order behind the quiet rounds. */
async function putQuietCheckpoint(log: Log): Promise<void> {
  for (const { partition, states } of quietStart()) {
    const { state } = await PartitionState.takeOver(log, 'detector', partition, stateLayout)
    await (await state.prepare(states, BigInt(quietRounds - 1), { sidePositions: [], outputs: [] })).commit()
    await state.close()
  }
}

function createStep(readLeft: () => Promise<readonly Anomaly[]> = async () => []) {
  const topics = { scoresTopic: 'scores', anomaliesTopic: 'anomalies', modelsTopic: 'models' }
  return createDetectStep({ config, ...topics, readLeftOpen: readLeft, observe: () => {}, observeVerdict: () => {} })
}

/** The log as a process sees it that may die, and whose commits may fail, before or after they took effect. */
function mortal(log: Log, life: { readonly isDead: boolean }, { random, isLost }: Chance, marked: Marked[]): Log {
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
        const dice = random()
        if (dice < 0.03 || isLost()) throw new LogError('timeout', 'before it took effect')
        await producer.commit(records)
        marked.push(...markersIn(records))
        if (dice < 0.06) throw new LogError('timeout', 'after it took effect')
      }
      return { ...producer, send: commit, commit }
    },
  })
}

/** Markers that have taken verdicts in. */
function markersIn(records: readonly OutgoingRecord[]): Marked[] {
  return records.flatMap(({ topic, partition, key, value }) => {
    if (topic !== 'state' || !value || key!.length < markerKeyBytes) return []
    const { sourceOffset, sidePositions } = decode('StateMarker', value)
    return sidePositions.map(({ nextOffset }) => ({ partition, sourceOffset, nextVerdict: nextOffset }))
  })
}

/** Keys of series and of what is known of them are shorter. */
const markerKeyBytes = 20

async function createTopics(log: Log): Promise<void> {
  const of = (topic: string, cleanup: 'delete' | 'compact') => ({ topic, partitions, cleanup, retentionMs: undefined })
  await log.ensureTopics([
    of('samples', 'delete'),
    of('scores', 'delete'),
    of('anomalies', 'delete'),
    of('dead-letters', 'delete'),
    of('state', 'compact'),
    of('feedback', 'compact'),
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

/** When the second series of each host brings nothing. */
function isSilent(round: number): boolean {
  return (round > 208 && round < 222) || round > 244
}

/** Made once: the workload is the same for every seed. */
const workload = Array.from({ length: rounds }, (_, round) =>
  Array.from({ length: partitions }, (_, partition) => {
    const value =
      10 + Math.sin(round / 9 + partition) + Math.sin(round * 12.9) / 3 + (round % 23 === 3 && round > 200 ? 40 + round : 0)
    const atMs = (round + 1) * stepMs
    const load = { labels: { __name__: 'load', instance: `host-${partition}` }, samples: [[atMs, value]] as const }
    const disk = {
      labels: { __name__: 'disk', instance: `host-${partition}` },
      samples: [[atMs, 5 + Math.sin(round * 7.7)]] as const,
    }
    return sampleRecord(isSilent(round) ? [load] : [load, disk]).value
  }),
)

function recordsOf(round: number): OutgoingRecord[] {
  return workload[round]!.map((value, partition) => ({ topic: 'samples', partition, key: null, value }))
}

/** What is on the log once every sample is scored; repetitions must be equal and count once. */
async function settled(log: Log, count: number): Promise<Outcome> {
  for (const endMs = performance.now() + 30_000; ; await nextTurn()) {
    const records = await log.readToEnd('scores')
    const scores = new Set(records.map(({ partition, value }) => scoreText(partition, value!)))
    if (scores.size >= count) {
      const anomalies = (await log.readToEnd('anomalies')).map(({ value }) => anomalyText(value!))
      return { scores: [...scores], anomalies: [...new Set(anomalies)] }
    }
    if (performance.now() > endMs) throw new Error(`${scores.size} of ${count} samples were scored`)
  }
}

function scoreText(partition: number, value: Uint8Array): string {
  const { sourceOffset, scores, states } = decode('ScoreBatch', value)
  return `${partition}/${sourceOffset}: ${scores.toString('hex')} ${states.toString('hex')}`
}

function anomalyText(value: Uint8Array): string {
  const { id, severity, reasons, suppressedBy } = decode('Anomaly', value)
  return `${id} ${severity} ${reasons[0]?.name} ${suppressedBy}`
}

/** What one step per partition says that nothing happens to but the verdicts. The first rounds, in which none can be, are run once. */
function calmOutcome(applied: readonly Application[], from: number): Outcome {
  const scores: string[] = []
  const anomalies = new Set<string>()
  for (const { partition, states, outputs } of quietStart()) {
    const step = createStep()
    for (const { key, snapshot } of states) step.restore(key, snapshot, snapshotVersion)
    const note = noteOutputs(partition, scores, anomalies)
    if (from === 0) outputs.forEach(note)
    for (let round = quietRounds; round < rounds; round++) {
      step.process(sampleAt(round, partition), note)
      for (const { behind, record, ...at } of applied) if (at.partition === partition && behind === round) step.apply!(record)
    }
  }
  return { scores, anomalies: [...anomalies] }
}

interface QuietStart {
  readonly partition: number
  readonly states: readonly KeyState[]
  readonly outputs: readonly OutgoingRecord[]
}
let quiet: readonly QuietStart[] | undefined
const quietStart = () => {
  quiet ??= runQuietRounds()
  return quiet
}

function runQuietRounds(): QuietStart[] {
  return Array.from({ length: partitions }, (_, partition) => {
    const step = createStep()
    const outputs: OutgoingRecord[] = []
    for (let round = 0; round < quietRounds; round++) step.process(sampleAt(round, partition), (output) => outputs.push(output))
    return { partition, states: takeCheckpoint(step).states, outputs }
  })
}

function sampleAt(round: number, partition: number): LogRecord {
  const { value } = recordsOf(round)[partition]!
  return { topic: 'samples', partition, offset: BigInt(round), timestampMs: 0, key: null, value, headers: new Map() }
}

function noteOutputs(partition: number, scores: string[], anomalies: Set<string>): (output: OutgoingRecord) => void {
  return ({ topic, value }) => {
    if (topic === 'scores') scores.push(scoreText(partition, value!))
    else anomalies.add(anomalyText(value!))
  }
}

function randomOf(seed: number): () => number {
  let state = Math.imul(seed, 2654435761) >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 4294967296
  }
}
