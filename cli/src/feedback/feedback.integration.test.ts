/**
 * A verdict from the command line to what is told, on real Kafka, with a detector of its own that is killed right behind it: the scores
 * are those of a run without the kill, the verdict holds, and taken back it holds no longer.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { decode } from '@lapwing/contracts/codec'
import { sortedLabels } from '@lapwing/contracts/series'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { detectorSchema } from '@lapwing/detector/config'
import { createDetectStep } from '@lapwing/detector/detect'
import { sampleRecords } from '@lapwing/prometheus/sample-batches'
import { identify } from '@lapwing/prometheus/series-samples'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log, LogRecord } from '@lapwing/stream/log'
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'

const brokers = inject('kafkaBrokers')
const root = fileURLToPath(new URL('../../../', import.meta.url))
const stepMs = 15_000
const patience = { timeout: 60_000, interval: 100 }
const silent = { debug: () => {}, warn: () => {}, error: () => {} }
const run = promisify(execFile)

describe.skipIf(brokers.length === 0)('a verdict of a person', () => {
  test('holds although the detector is killed behind it, until it is taken back', { timeout: 240_000 }, async () => {
    const prefix = `feedback-${randomUUID()}`
    const log = createKafkaLog({ brokers, clientId: 'test', logger: silent })
    onTestFinished(() => log.close())
    await log.ensureTopics(topicSpecs(prefix, 1))
    const series = new Series(log, prefix)
    /** A verdict takes effect with samples that come after it was noticed, which may take a second. */
    const applied = (verdictsBefore: number) =>
      vi.waitFor(
        async () => {
          await series.send(quiet(1))
          return applicationAfter(await log.readToEnd(topicName(prefix, 'detector-state')), verdictsBefore)
        },
        { ...patience, interval: 500 },
      )

    const first = startDetector(prefix)
    await series.send([...quiet(300), 60, 60, 60, 60, ...quiet(200)])
    const [opened] = await anomaliesOnce(log, prefix, 3)
    const said = await lapwing(prefix, 'feedback', opened!.id.slice(0, 12), 'false-alarm', '--by', 'ann', '--json')
    expect(JSON.parse(said)).toMatchObject({ anomalyId: opened!.id, verdict: 'false_alarm', author: 'ann', partition: 0 })
    const application = await applied(0)
    first.kill('SIGKILL')

    await series.send([...quiet(3), 80, 80, 80, 80, ...quiet(200)])
    const second = startDetector(prefix)
    const judged = (await anomaliesOnce(log, prefix, 5)).slice(3)
    expect(judged.map(({ state, severity, suppressedBy }) => [state, severity, suppressedBy])).toEqual([
      ['open', 'info', 'false_alarm'],
      ['resolved', 'info', 'false_alarm'],
    ])
    await vi.waitFor(async () => expect(await scores(log, prefix)).toHaveLength(series.sent), patience)
    expect(await scores(log, prefix)).toEqual(calmScores(await series.records(), application.behind, await verdicts(log, prefix)))

    const undone = await lapwing(prefix, 'feedback', opened!.episodeId, '--undo')
    expect(undone).toContain('undone: load{instance="host-1"}')
    await applied(application.nextVerdict)
    await series.send([...quiet(1), 110, 110, 110, 110, ...quiet(20)])
    const told = (await anomaliesOnce(log, prefix, 7)).slice(5)
    expect(told.map(({ suppressedBy }) => suppressedBy)).not.toContain('false_alarm')
    expect(told[0]!.severity).not.toBe('info')
    await stopped(second)
  })

  test('on an anomaly that is not there is refused in words', async () => {
    const prefix = `feedback-${randomUUID()}`
    await expect(lapwing(prefix, 'feedback', 'abcdef', 'confirmed')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${prefix}.anomalies.v1 is not on these brokers`),
    })
  })
})

function startDetector(prefix: string): ChildProcess {
  const settings = ['detector.port=0', 'kafka.partitions=1', `kafka.topic_prefix=${prefix}`, 'detector.checkpoint_interval=1h']
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'services/detector/src/main.ts', ...settings.flatMap((set) => ['--set', set])],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, KAFKA_BROKERS: brokers.join(',') } },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

async function stopped(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await exited
}

async function lapwing(prefix: string, ...words: readonly string[]): Promise<string> {
  const env = { ...process.env, KAFKA_BROKERS: brokers.join(','), LAPWING__KAFKA__TOPIC_PREFIX: prefix }
  return (await run(process.execPath, ['lapwing', ...words], { cwd: root, env })).stdout
}

/** One series, a record per sample. */
class Series {
  sent = 0
  readonly #log: Log
  readonly #topic: string

  constructor(log: Log, prefix: string) {
    this.#log = log
    this.#topic = topicName(prefix, 'samples')
  }

  async send(values: readonly number[]): Promise<void> {
    const labels = sortedLabels([
      ['__name__', 'load'],
      ['instance', 'host-1'],
    ])
    const series = identify(labels, ['instance'])
    const records = values.flatMap((value) => {
      const timestampsMs = [++this.sent * stepMs]
      const samples = [{ series, timestampsMs, values: [value + Math.sin(this.sent / 3)], flags: [0] }]
      return sampleRecords(samples, { source: 'test', kind: 'live', stepMs }, 1)
    })
    const producer = await this.#log.producer()
    await producer.send(records.map(({ partition, value }) => ({ topic: this.#topic, partition, key: null, value })))
    await producer.close()
  }

  records(): Promise<LogRecord[]> {
    return this.#log.readToEnd(this.#topic)
  }
}

const quiet = (samples: number) => Array.from({ length: samples }, (_, i) => 10 + Math.sin(i * 1.7) / 2)

async function anomaliesOnce(log: Log, prefix: string, count: number) {
  return vi.waitFor(async () => {
    const records = await log.readToEnd(topicName(prefix, 'anomalies'))
    const anomalies = new Map(records.map(({ value }) => decode('Anomaly', value!)).map((anomaly) => [anomaly.id, anomaly]))
    expect(anomalies.size).toBeGreaterThanOrEqual(count)
    return [...anomalies.values()]
  }, patience)
}

/** Every version of every score that was written, by source offset. */
async function scores(log: Log, prefix: string): Promise<string[]> {
  return [...new Set((await log.readToEnd(topicName(prefix, 'scores'))).map(({ value }) => scoreText(value!)))].sort()
}

function scoreText(value: Uint8Array): string {
  const batch = decode('ScoreBatch', value)
  return `${String(batch.sourceOffset).padStart(6)}: ${batch.scores.toString('hex')} ${batch.states.toString('hex')}`
}

const verdicts = (log: Log, prefix: string) => log.readToEnd(topicName(prefix, 'feedback'))

interface Application {
  /** Offset of the sample behind which it was. */
  readonly behind: bigint
  /** How far the verdicts had been read then, as an offset. */
  readonly nextVerdict: number
}

/** Where verdicts beyond these took effect, as the marker says. Throws while there are none. */
function applicationAfter(states: readonly LogRecord[], verdictsBefore: number): Application {
  for (const { key, value } of states) {
    if (!value || key!.length < 20) continue
    const { sourceOffset, sidePositions } = decode('StateMarker', value)
    const nextVerdict = Math.max(0, ...sidePositions.map(({ nextOffset }) => nextOffset))
    if (nextVerdict > verdictsBefore) return { behind: BigInt(sourceOffset), nextVerdict }
  }
  throw new Error('no verdict was applied yet')
}

/** What one step says to which nothing happens. */
function calmScores(samples: readonly LogRecord[], appliedBehind: bigint, applied: readonly LogRecord[]): string[] {
  const texts: string[] = []
  const options = { config: detectorSchema.parse({}), scoresTopic: 'scores', anomaliesTopic: 'anomalies', modelsTopic: 'models' }
  const step = createDetectStep({ ...options, observe: () => {}, observeVerdict: () => {} })
  for (const record of samples) {
    step.process(record, ({ topic, value }) => {
      if (topic === 'scores') texts.push(scoreText(value!))
    })
    if (record.offset === appliedBehind) for (const verdict of applied) step.apply!(verdict)
  }
  return texts.sort()
}
