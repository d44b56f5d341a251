/** Series that are gone make room, and what is remembered is the same whenever the detector was restarted. */

import { decode } from '@lapwing/contracts/codec'
import { uint8Column } from '@lapwing/contracts/columns'
import { sampleFlags, seriesStates } from '@lapwing/contracts/series-state'
import { dayMs, isForgotten, isHourOver } from '@lapwing/detection/forgetting'
import { snapshotVersion } from '@lapwing/detection/series-detector'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import { describe, expect, test } from 'vitest'
import { takeCheckpoint } from '../testing/checkpoint.ts'
import { feedbackOn, feedbackRecord } from '../testing/feedback.ts'
import { sampleRecord } from '../testing/sample-batch.ts'
import { detectorSchema } from './config.ts'
import { type BatchObservation, createDetectStep, type DetectStep } from './detect.ts'

const stepMs = 600_000
const stepsOfDay = dayMs / stepMs

/** A partition with its state topic. */
class Partition {
  readonly stored = new Map<string, Uint8Array>()
  readonly outputs: OutgoingRecord[] = []
  readonly config
  newest!: BatchObservation
  step: DetectStep

  constructor(config = {}) {
    this.config = detectorSchema.parse(config)
    this.step = this.#createStep()
  }

  #createStep(): DetectStep {
    return createDetectStep({
      config: this.config,
      scoresTopic: 'scores',
      anomaliesTopic: 'anomalies',
      modelsTopic: 'models',
      observe: (observation) => {
        this.newest = observation
      },
      observeVerdict: () => {},
    })
  }

  take(record: LogRecord): void {
    this.step.process(record, (output) => this.outputs.push(output))
    this.checkpoint()
  }

  checkpoint(): void {
    const { forgotten, states } = takeCheckpoint(this.step)
    for (const key of forgotten) this.stored.delete(key)
    for (const { key, snapshot } of states) this.stored.set(Buffer.from(key).toString('hex'), snapshot)
  }

  restart(): void {
    this.step = this.#createStep()
    for (const [key, snapshot] of [...this.stored].reverse())
      this.step.restore(Buffer.from(key, 'hex'), snapshot, snapshotVersion)
  }

  /** States of the series of the newest batch. */
  get states(): string[] {
    const newest = this.outputs.findLast(({ topic }) => topic === 'scores')!
    const { states } = decode('ScoreBatch', newest.value!)
    return [...uint8Column(states, states.length)].map((state) => seriesStates[state]!)
  }
}

/** What the instances bring in step `i`. */
function round(i: number, instances: readonly string[]): LogRecord {
  const value = (n: number) => 50 + 5 * Math.sin(i / 3 + n) + Math.sin(i * 1.7 + 2 * n)
  const series = instances.map((instance, n) => ({
    labels: { __name__: 'load', instance },
    samples: [[(i + 1) * stepMs, value(n)] as [number, number]],
  }))
  return sampleRecord(series, { offset: BigInt(i) })
}

/** A machine that stays, and two pods that are others every four hours. */
function churn(i: number): string[] {
  const generation = Math.floor(i / 24)
  return ['machine', `pod-${generation}-a`, `pod-${generation}-b`]
}

describe('a series is remembered', () => {
  const idle = (lastSampleMs: number, knownDays: number) => (nowMs: number) =>
    isForgotten({ lastSampleMs, knownMs: knownDays * dayMs }, nowMs, 14 * dayMs)

  test('as long as it was known, at least a day, at most as configured', () => {
    const days = (count: number, isForgottenAt: (nowMs: number) => boolean) => isForgottenAt(count * dayMs + 1)
    expect([0.5, 1, 2].map((count) => days(count, idle(0, 0)))).toEqual([false, true, true])
    expect([1, 5, 6].map((count) => days(count, idle(0, 5)))).toEqual([false, true, true])
    expect([13, 14].map((count) => days(count, idle(0, 300)))).toEqual([false, true])
  })

  test('until an hour of the samples ends', () => {
    expect([0, 3_599_999, 3_600_000].map((nowMs) => isHourOver(0, nowMs))).toEqual([false, false, true])
    expect(isHourOver(3_599_999, 3_600_000)).toBe(true)
  })
})

describe('pods that come and go', () => {
  test('make room for those that come after them', () => {
    const partition = new Partition({ max_series_per_partition: 20 })
    let dropped = 0
    for (let i = 0; i < 8 * stepsOfDay; i++) {
      partition.take(round(i, churn(i)))
      dropped += partition.newest.overLimit
    }
    expect(dropped).toBe(0)
    expect(partition.newest.series).toBeLessThanOrEqual(1 + 2 * 8)
    const seriesKeys = [...partition.stored.keys()].filter((key) => key.length === 32)
    expect(seriesKeys).toHaveLength(partition.newest.series)
  })

  test('leave nothing behind when they were gone before a checkpoint', () => {
    const partition = new Partition()
    for (let i = 0; i < 3 * stepsOfDay; i++) partition.step.process(round(i, churn(i)), () => {})
    partition.checkpoint()
    const seriesKeys = [...partition.stored.keys()].filter((key) => key.length === 32)
    expect(new Set(seriesKeys).size).toBe(partition.newest.series)
    partition.restart()
    partition.take(round(3 * stepsOfDay, churn(3 * stepsOfDay)))
    expect(partition.newest.series).toBe(seriesKeys.length + 2)
  })

  test('leave the same behind, whenever the detector is restarted', () => {
    const whole = new Partition()
    const restarted = new Partition()
    for (let i = 0; i < 3 * stepsOfDay; i++) {
      for (const partition of [whole, restarted]) partition.take(round(i, churn(i)))
      if (i % 7 === 3 || i > 2.5 * stepsOfDay) restarted.restart()
    }
    expect(restarted.outputs).toEqual(whole.outputs)
    expect(new Map([...restarted.stored].sort())).toEqual(new Map([...whole.stored].sort()))
    expect(whole.newest.series).toBeLessThan(3 * 12)
  })
})

describe('what is over of a series', () => {
  const keysOf = (partition: Partition, tag: number) =>
    [...partition.stored.keys()].filter((key) => key.length === 34 && key.endsWith(`0${tag}`))

  test('its silence that is watched no longer leaves the state topic', () => {
    const partition = new Partition()
    for (let i = 0; i < 60; i++) partition.take(round(i, ['a', 'b']))
    expect(keysOf(partition, 4)).toHaveLength(2)
    const ended = {
      labels: { __name__: 'load', instance: 'b' },
      samples: [[61 * stepMs, Number.NaN, sampleFlags.stale]] as const,
    }
    partition.take(sampleRecord([ended], { offset: 60n }))
    expect(keysOf(partition, 4)).toHaveLength(1)
    partition.restart()
    partition.take(round(61, ['a', 'b']))
    expect(keysOf(partition, 4)).toHaveLength(2)
  })

  test('the verdict of a person that is taken back leaves the state topic', () => {
    const partition = new Partition()
    const calm = 2 * stepsOfDay
    for (let i = 0; i < calm; i++) partition.take(round(i, ['a']))
    const samples = Array.from({ length: 6 }, (_, i) => [(calm + 1 + i) * stepMs, 900] as const)
    partition.take(sampleRecord([{ labels: { __name__: 'load', instance: 'a' }, samples }], { offset: BigInt(calm) }))
    const { value } = partition.outputs.findLast(({ topic }) => topic === 'anomalies')!
    const feedback = feedbackOn(decode('Anomaly', value!), { verdict: 'false_alarm' })
    const say = (isTombstone: boolean) => {
      const record = feedbackRecord(feedback, { isTombstone })
      partition.step.apply!({ topic: 'feedback', partition: 3, offset: 0n, timestampMs: 0, headers: new Map(), ...record })
    }
    say(false)
    for (let i = calm + 9; i < calm + 15; i++) partition.take(round(i, ['a']))
    expect(keysOf(partition, 1)).toHaveLength(1)
    say(true)
    partition.take(round(calm + 15, ['a']))
    expect(keysOf(partition, 1)).toHaveLength(0)
  })

  test('one that is given up and still remembered leaves no empty state', () => {
    const partition = new Partition()
    for (let i = 0; i < 4.5 * stepsOfDay; i++) partition.take(round(i, i < 3 * stepsOfDay ? ['a', 'b'] : ['a']))
    expect(partition.newest.series).toBe(2)
    expect(keysOf(partition, 4)).toHaveLength(1)
    expect([...partition.stored.values()].filter((snapshot) => snapshot.length === 0)).toEqual([])
  })
})

describe('a series that is back', () => {
  const away = ['other']
  const feed = (partition: Partition, from: number, days: number, instances: readonly string[]) => {
    for (let i = 0; i < days * stepsOfDay; i++) partition.take(round(from + i, instances))
    return from + days * stepsOfDay
  }

  test('goes on after days when it was known for longer', () => {
    const partition = new Partition()
    const gone = feed(partition, 0, 5, ['other', 'machine'])
    const back = feed(partition, gone, 4, away)
    partition.take(round(back, ['other', 'machine']))
    expect(partition.states[1]).not.toBe('warming')
  })

  test('begins anew when it was known for less', () => {
    const partition = new Partition()
    const gone = feed(partition, 0, 2, ['other', 'machine'])
    const back = feed(partition, gone, 4, away)
    partition.take(round(back, ['other', 'machine']))
    expect(partition.states[1]).toBe('warming')
  })

  test('is remembered for a verdict that somebody gave', () => {
    const partition = new Partition()
    const calm = feed(partition, 0, 2, ['other', 'machine'])
    const spike = sampleRecord(
      [
        {
          labels: { __name__: 'load', instance: 'machine' },
          samples: Array.from({ length: 6 }, (_, i) => [(calm + 1 + i) * stepMs, 900]),
        },
      ],
      { offset: 9_999n },
    )
    partition.take(spike)
    const { value } = partition.outputs.findLast(({ topic }) => topic === 'anomalies')!
    const record = feedbackRecord(feedbackOn(decode('Anomaly', value!), { verdict: 'false_alarm' }))
    partition.step.apply!({ topic: 'feedback', partition: 3, offset: 0n, timestampMs: 0, headers: new Map(), ...record })
    const calmAgain = feed(partition, calm + 7, 1, ['other', 'machine'])
    feed(partition, calmAgain, 6, away)
    expect(partition.newest.series).toBe(2)
  })
})
