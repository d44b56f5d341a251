/** Verdicts of people through the drift step: what they lead to, and that a restart changes nothing of it. */
import { readFileSync } from 'node:fs'
import { DecodeError, decode, encode } from '@lapwing/contracts/codec'
import type { Feedback } from '@lapwing/contracts/records'
import { entityKey, seriesKey, sortedLabels } from '@lapwing/contracts/series'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import { describe, expect, test } from 'vitest'
import { asScoreOfEntity, latencyLabels, noise, ok, scoreRecord, stepMs } from '../testing/score-batch.ts'
import { verdictOn } from '../testing/verdict.ts'
import { createDriftStep, driftStateVersion } from './drift.ts'

const labels = sortedLabels(Object.entries({ __name__: 'lapwing_entity_score', instance: 'a' }))
const scoresKey = seriesKey(labels).toString('hex')
const entity = entityKey(labels, ['instance']).toString('hex')
const golden = (name: string) => readFileSync(new URL(`../test/golden/${name}.1.bin`, import.meta.url))

/** A step and what it told. */
class Run {
  readonly requests: ReturnType<typeof decodedControl>[] = []
  readonly outcomes: string[] = []
  step = this.#create()
  #scored = 0
  /** As on the compacted topic. */
  readonly #states = new Map<string, { snapshot: Uint8Array; version: number }>()

  #create(differences = {}) {
    return createDriftStep({
      enabled: true,
      detector: 'adwin',
      delta: 0.002,
      cooldownMs: 240 * stepMs,
      requestsPerWeek: 7,
      afterSamples: 0,
      maxSeries: 10,
      forgetAfterMs: 14 * 86_400_000,
      controlTopic: 'control',
      observe: () => {},
      observeVerdict: (outcome) => this.outcomes.push(outcome),
      ...differences,
    })
  }

  /** Calm scores of the entity. */
  score(count: number, model = 'pca/1'): this {
    const record = asScoreOfEntity(scoreRecord(noise(count, 0.2), this.#scored, ok, labels), model)
    this.#scored += count
    this.step.process(record, (output) => this.requests.push(decodedControl(output)))
    return this
  }

  /** Verdicts on episodes that begin now. */
  say(episodes: readonly number[], about: Partial<Feedback> = {}): this {
    const startedAtMs = this.#scored * stepMs
    for (const episode of episodes) {
      const feedback = verdictOn(episode, { seriesKey: scoresKey, startedAtMs, ...about })
      this.step.apply!(sideRecord(feedback.anomalyId, encode('Feedback', feedback)))
    }
    return this
  }

  /** As under another owner, from the state that was put down. */
  handOver(): this {
    for (const { key, snapshot } of this.step.takeChanged())
      this.#states.set(Buffer.from(key).toString('hex'), { snapshot, version: driftStateVersion })
    this.step = this.#create()
    for (const [key, { snapshot, version }] of this.#states) this.step.restore(Buffer.from(key, 'hex'), snapshot, version)
    return this
  }

  /** From the state of an earlier release: after 300 scores. */
  resume(): this {
    this.#scored = 300
    this.#states.set(scoresKey, { snapshot: golden('entity-score'), version: 1 })
    this.#states.set(`${entity}01`, { snapshot: golden('entity'), version: 1 })
    return this.handOver()
  }
}

const decodedControl = ({ value }: OutgoingRecord) => decode('Control', value!)

function sideRecord(key: string, value: Buffer | null): LogRecord {
  return { topic: 'feedback', partition: 2, offset: 0n, timestampMs: 0, key: Buffer.from(key), value, headers: new Map() }
}

const seven = [1, 2, 3, 4, 5, 6, 7]

describe('verdicts in the drift step', () => {
  test('false alarms of the model of an entity ask for a new one with its next score, once, and say why', () => {
    const run = new Run().score(300).say([1, 2, 3]).say([4], { verdict: 'confirmed' }).say([5, 6, 7, 8])
    run.score(1)
    expect(run.requests).toEqual([])
    run.say([9, 10]).score(1)
    expect(run.outcomes).toEqual(Array(10).fill('counted'))
    expect(run.requests).toMatchObject([
      {
        kind: 'retrain',
        scope: `entity:${entity}`,
        requestedBy: 'drift',
        detector: 'ddm',
        seriesKey: scoresKey,
        labels,
        reason: '9 of the last 10 verdicts on lapwing_entity_score{instance="a"} were false alarm or new normal',
        requestedAtMs: 301 * stepMs,
      },
    ])
    expect(run.requests[0]!.statistic).toBeGreaterThan(run.requests[0]!.threshold)
    expect(run.score(2000).requests).toHaveLength(1)
  })

  test('within the cooldown of a request they wait for its end, and lapse when they are taken back by then', () => {
    const again = [11, 12, 13, 14, 15, 16, 17]
    const asked = () => new Run().score(300).say(seven).score(1).say(again)
    expect(asked().score(239).requests).toHaveLength(1)
    expect(
      asked()
        .score(239)
        .score(1)
        .requests.map(({ requestedAtMs }) => requestedAtMs / stepMs),
    ).toEqual([300, 540])
    expect(asked().say([12], { verdict: 'undone' }).score(600).requests).toHaveLength(1)
    const withTombstone = asked()
    withTombstone.step.apply!(sideRecord('anomaly 12', null))
    expect(withTombstone.score(600).requests).toHaveLength(1)
    expect(withTombstone.outcomes.at(-1)).toBe('taken_back')
  })

  test('a new version begins with no verdicts, and what an earlier one said is not its fault', () => {
    const renewed = new Run().score(300).say(seven.slice(1)).score(1, 'pca/2')
    renewed.say([1]).score(10, 'pca/2')
    expect(renewed.requests).toEqual([])
    renewed.say(seven, { startedAtMs: 299 * stepMs }).score(10, 'pca/2')
    expect(renewed.outcomes.slice(-7)).toEqual(Array(7).fill('earlier_model'))
    expect(renewed.requests).toEqual([])
  })

  test('verdicts on a single series ask for no model', () => {
    const run = new Run()
      .score(300)
      .say(seven, { seriesKey: seriesKey(latencyLabels).toString('hex') })
      .score(10)
    expect(run.outcomes).toEqual(Array(7).fill('no_model'))
    expect(run.requests).toEqual([])
  })

  test('a budget that is used up holds them back until a request is earned', () => {
    const run = new Run()
    for (let round = 0; round < 9; round++) run.score(300).say(seven.map((n) => 100 * round + n))
    const hours = ({ requestedAtMs }: { requestedAtMs: number }) => requestedAtMs / 3_600_000
    run.score(300)
    expect(run.requests).toHaveLength(7)
    run.score(5760)
    expect(hours(run.requests[7]!) - hours(run.requests[0]!)).toBeCloseTo(24, 1)
  })

  test('the next owner goes on from the state, wherever it is cut', () => {
    const cut = new Run().score(300).handOver().say([1, 2]).handOver()
    cut.say(seven.slice(2)).score(1)
    expect(cut.requests).toEqual(new Run().score(300).say(seven).score(1).requests)
    expect(cut.requests).toHaveLength(1)
  })

  test('the state of an earlier release knows no verdicts and takes in those from its next score on', () => {
    const run = new Run().resume().say(seven)
    expect(run.outcomes).toEqual(Array(7).fill('no_model'))
    expect(run.score(1).say(seven).score(1).requests).toMatchObject([{ detector: 'ddm', requestedAtMs: 301 * stepMs }])
  })

  test('a damaged verdict is refused', () => {
    expect(() => new Run().step.apply!(sideRecord('a', Buffer.from('x')))).toThrow(DecodeError)
  })
})
