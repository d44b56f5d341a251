/** Verdicts of people through the detector's step: what they change, and that a restart changes nothing of it. */
import { DecodeError, decode } from '@lapwing/contracts/codec'
import { uint8Column } from '@lapwing/contracts/columns'
import type { Anomaly, Feedback } from '@lapwing/contracts/records'
import { seriesStates, stateText } from '@lapwing/contracts/series-state'
import { snapshotVersion } from '@lapwing/detection/series-detector'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import { describe, expect, test } from 'vitest'
import { takeCheckpoint } from '../testing/checkpoint.ts'
import { feedbackOn, feedbackRecord } from '../testing/feedback.ts'
import { sampleRecord } from '../testing/sample-batch.ts'
import { detectorSchema } from './config.ts'
import { createDetectStep } from './detect.ts'
import type { VerdictOutcome } from './verdicts.ts'

const stepMs = 15_000
const labels = { __name__: 'node_load1', instance: 'host-1' }
const wave = (i: number) => 10 + Math.sin(i / 3) + Math.sin(i * 1.7) / 2

/** A step and the series it is fed with: quiet, then what a test wants. */
class Run {
  step
  readonly outputs: OutgoingRecord[] = []
  readonly outcomes: VerdictOutcome[] = []
  #fed = 0

  constructor(config = {}) {
    this.step = this.#createStep(config)
    this.quiet(300)
  }

  #createStep(config = {}) {
    return createDetectStep({
      config: detectorSchema.parse(config),
      scoresTopic: 'scores',
      anomaliesTopic: 'anomalies',
      modelsTopic: 'models',
      observe: () => {},
      observeVerdict: (outcome) => this.outcomes.push(outcome),
    })
  }

  feed(values: readonly number[]): this {
    for (const value of values) {
      const sample = [(this.#fed + 1) * stepMs, value] as const
      const record = sampleRecord([{ labels, samples: [sample] }], { offset: BigInt(this.#fed++) })
      this.step.process(record, (output) => this.outputs.push(output))
    }
    return this
  }

  quiet(samples: number): this {
    return this.feed(Array.from({ length: samples }, (_, i) => wave(this.#fed + i)))
  }

  /** An episode; of the same height it would be no news to the detector itself. */
  spike(height = 60): readonly Anomaly[] {
    const before = this.anomalies.length
    this.feed([height, height, height, height, height]).quiet(200)
    return this.anomalies.slice(before)
  }

  say(feedback: Feedback, options = {}): this {
    const record: Pick<LogRecord, 'key' | 'value'> = feedbackRecord(feedback, options)
    this.step.apply!({ topic: 'feedback', partition: 3, offset: 0n, timestampMs: 0, headers: new Map(), ...record })
    return this
  }

  /** As after a crash right behind a checkpoint. */
  restart(): this {
    const { states } = takeCheckpoint(this.step)
    this.step = this.#createStep()
    for (const { key, snapshot } of states) this.step.restore(key, snapshot, snapshotVersion)
    return this
  }

  get anomalies(): Anomaly[] {
    return this.outputs.flatMap(({ topic, value }) => (topic === 'anomalies' ? [decode('Anomaly', value!)] : []))
  }

  get states(): string[] {
    return this.outputs.flatMap(({ topic, value }) =>
      topic === 'scores' ? [seriesStates[uint8Column(decode('ScoreBatch', value!).states, 1)[0]!]!] : [],
    )
  }
}

const told = (anomalies: readonly Anomaly[]) =>
  anomalies.map(({ state, severity, suppressedBy }) => [state, severity, suppressedBy])

describe('a verdict', () => {
  test('of false alarm: the same again is recorded at info, scored as ever, and its state says why', () => {
    const run = new Run()
    const first = run.spike()
    expect(told(first)[0]).toEqual(['open', 'warning', ''])
    run.say(feedbackOn(first.at(-1)!))
    const again = run.spike(140)
    expect(told(again)).toEqual([
      ['open', 'info', 'false_alarm'],
      ['resolved', 'info', 'false_alarm'],
    ])
    expect(again[0]!.score).toBeGreaterThan(1)
    expect(run.states.filter((state) => state === 'suppressed').length).toBeGreaterThan(2)
    expect(run.outcomes).toEqual([{ verdict: 'false_alarm', outcome: 'applied' }])
  })

  test('of false alarm: a clearly larger one is told', () => {
    const run = new Run()
    run.say(feedbackOn(run.spike().at(-1)!))
    expect(told(run.spike(400))[0]).toEqual(['open', 'warning', ''])
  })

  test('of confirmed changes nothing and is counted', () => {
    const plain = new Run()
    const judged = new Run()
    plain.spike()
    judged.say(feedbackOn(judged.spike().at(-1)!, { verdict: 'confirmed' }))
    const again = plain.spike(140)
    expect(again.map(({ state }) => state)).toEqual(['open', 'escalated', 'resolved'])
    expect(judged.spike(140)).toEqual(again)
    expect(judged.outcomes).toEqual([{ verdict: 'confirmed', outcome: 'applied' }])
  })

  test('of expected holds until its time, and its state says until when', () => {
    const run = new Run()
    const untilMs = 300 * stepMs + 2 * 205 * stepMs
    run.say(feedbackOn(run.spike().at(-1)!, { verdict: 'expected', untilMs }))
    expect(told(run.spike(140))[0]).toEqual(['open', 'info', 'expected'])
    expect(told(run.spike(320))[0]).toEqual(['open', 'warning', ''])
    expect(stateText('suppressed', untilMs)).toContain(new Date(untilMs).toISOString())
  })

  test.each([
    ['an undone verdict', (run: Run, feedback: Feedback) => run.say({ ...feedback, verdict: 'undone' })],
    ['a tombstone', (run: Run, feedback: Feedback) => run.say(feedback, { isTombstone: true })],
  ])('taken back by %s leaves nothing', (_, takeBack) => {
    const plain = new Run()
    const judged = new Run()
    plain.spike()
    const feedback = feedbackOn(judged.spike().at(-1)!)
    takeBack(judged.say(feedback), feedback)
    const again = plain.spike(140)
    expect(again.map(({ state }) => state)).toEqual(['open', 'escalated', 'resolved'])
    expect(judged.spike(140)).toEqual(again)
  })

  test('of a new level: the band is there at once and the episode ends', () => {
    const plain = new Run()
    const judged = new Run()
    for (const run of [plain, judged]) run.feed(Array(8).fill(60))
    judged.say(feedbackOn(judged.anomalies.at(-1)!, { verdict: 'new_normal' }))
    for (const run of [plain, judged]) run.feed(Array(6).fill(60))
    expect(plain.anomalies.at(-1)!.state).not.toBe('resolved')
    expect(judged.anomalies.at(-1)).toMatchObject({ state: 'resolved', value: 60 })
    expect(Math.abs(judged.anomalies.at(-1)!.expected - 60)).toBeLessThan(5)
  })

  test('of a new level comes too late when the episode has ended, and that is counted', () => {
    const run = new Run()
    run.say(feedbackOn(run.spike().at(-1)!, { verdict: 'new_normal' }))
    expect(run.outcomes).toEqual([{ verdict: 'new_normal', outcome: 'ended' }])
  })

  test('survives a restart, in the middle of an episode as well', () => {
    const runs = [new Run(), new Run()]
    for (const run of runs) run.say(feedbackOn(run.spike().at(-1)!))
    runs[1]!.restart()
    for (const run of runs) run.feed([80, 80])
    runs[1]!.restart()
    for (const run of runs) run.feed([80, 900]).quiet(20)
    expect(runs[1]!.outputs).toEqual(runs[0]!.outputs)
    expect(told(runs[0]!.anomalies.slice(-3)).map(([state]) => state)).toEqual(['open', 'escalated', 'resolved'])
  })

  test.each([
    ['a series that cannot be', { seriesKey: 'x' }],
    ['numbers that are none', { signature: { ...noSignature(), upDeviations: Number.NaN } }],
    ['reasons without end', { signature: { ...noSignature(), reasons: Array(1000).fill({ name: 'level', share: 0 }) } }],
  ])('with %s is damage', (_, differences) => {
    const run = new Run()
    const feedback = feedbackOn(run.spike().at(-1)!, differences)
    expect(() => run.say(feedback)).toThrow(DecodeError)
  })

  test('on a series for which there is no room is counted as that', () => {
    const run = new Run({ max_series_per_partition: 1 })
    run.say(feedbackOn(run.spike().at(-1)!, { seriesKey: '0'.repeat(32) }))
    expect(run.outcomes).toEqual([{ verdict: 'false_alarm', outcome: 'series_limit' }])
  })
})

function noSignature() {
  const numbers = {
    openingDeviations: 0,
    openingExcursion: 0,
    upDeviations: 0,
    downDeviations: 0,
    upExcursion: 0,
    downExcursion: 0,
  }
  return { ...numbers, anomalousSamples: 0, reasons: [] }
}
