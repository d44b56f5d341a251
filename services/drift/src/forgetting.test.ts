/** Series and entities that are gone, through the drift step and its state as it lies on the compacted topic. */
import { readFileSync } from 'node:fs'
import { decode } from '@lapwing/contracts/codec'
import { entityKey, seriesKey, sortedLabels } from '@lapwing/contracts/series'
import type { LogRecord } from '@lapwing/stream/log'
import { describe, expect, test } from 'vitest'
import { latencyLabels, noise, ok, scoreRecord } from '../testing/score-batch.ts'
import { createDriftStep, driftStateVersion } from './drift.ts'
import { decodeWatch } from './series-watch.ts'

const minuteMs = 60_000
const hourMinutes = 60
const dayMinutes = 24 * hourMinutes

/** A step, what it told, and its state topic. */
class Run {
  readonly requests: unknown[] = []
  readonly states = new Map<string, { snapshot: Buffer; version: number }>()
  watched = 0
  mostWatched = 0
  overLimit = 0
  #step = this.#create()

  #create() {
    return createDriftStep({
      enabled: true,
      detector: 'adwin',
      delta: 0.002,
      cooldownMs: 6 * hourMinutes * minuteMs,
      requestsPerWeek: 1,
      afterSamples: 0,
      maxSeries: 120,
      forgetAfterMs: 14 * dayMinutes * minuteMs,
      controlTopic: 'control',
      observe: ({ series, overLimit }) => {
        this.watched = series
        this.mostWatched = Math.max(this.mostWatched, series)
        this.overLimit += overLimit
      },
      observeVerdict: () => {},
    })
  }

  take(records: readonly LogRecord[]): this {
    for (const record of records) this.#step.process(record, ({ value }) => this.requests.push(decode('Control', value!)))
    return this
  }

  checkpoint(): this {
    for (const key of this.#step.takeForgotten!()) this.states.delete(hex(key))
    for (const { key, snapshot } of this.#step.takeChanged())
      this.states.set(hex(key), { snapshot: Buffer.from(snapshot), version: driftStateVersion })
    return this
  }

  /** From what is on the state topic. */
  restart(): this {
    this.#step = this.#create()
    for (const [key, { snapshot, version }] of this.states) this.#step.restore(Buffer.from(key, 'hex'), snapshot, version)
    return this
  }

  has(key: Uint8Array): boolean {
    return this.states.has(hex(key))
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const pod = (name: string) => sortedLabels(Object.entries({ __name__: 'latency', instance: name }))
/** One score a minute from that minute on. */
const minutes = (from: number, count: number, name: string, level = 0.2) =>
  scoreRecord(noise(count, level), from, ok, pod(name), minuteMs)
const keyOf = (name: string) => seriesKey(pod(name))
const entityStateKey = (name: string) => Buffer.from([...entityKey(pod(name), ['instance']), 1])

/** Four pods for each hour, which are gone after it, beside one that stays and moves on the second day. */
function churn(hours: number): LogRecord[] {
  return Array.from({ length: hours }, (_, hour) => [
    minutes(hour * hourMinutes, hourMinutes, 'stays', hour < 30 ? 0.2 : 0.9),
    ...[0, 1, 2, 3].map((n) => minutes(hour * hourMinutes, hourMinutes, `pod-${hour}-${n}`)),
  ]).flat()
}

describe('series that are gone', () => {
  test('pods that come and go for three weeks fill neither the partition nor the state, and the newest are watched', () => {
    const run = new Run()
    for (const record of churn(21 * 24)) run.take([record]).checkpoint()
    expect(run.overLimit).toBe(0)
    expect(run.mostWatched).toBeLessThanOrEqual(1 + 4 * 27)
    expect(run.watched).toBeGreaterThan(4 * 24)
    expect(run.states.size).toBeLessThanOrEqual(2 * run.watched + 1)
    for (const name of ['stays', `pod-${21 * 24 - 1}-3`])
      expect([run.has(keyOf(name)), run.has(entityStateKey(name))]).toEqual([true, true])
    expect([run.has(keyOf('pod-0-0')), run.has(entityStateKey('pod-0-0'))]).toEqual([false, false])
  })

  test('a restart at any batch changes neither requests nor state', () => {
    const records = churn(60)
    const whole = new Run().take(records).checkpoint()
    const oftenCut = new Run()
    for (const record of records) oftenCut.take([record]).checkpoint().restart()
    expect(whole.requests).toHaveLength(1)
    expect(oftenCut.requests).toEqual(whole.requests)
    expect(sorted(oftenCut.states)).toEqual(sorted(whole.states))
    for (let cut = 1; cut < records.length; cut += 17) {
      const run = new Run().take(records.slice(0, cut)).checkpoint().restart().take(records.slice(cut)).checkpoint()
      expect(run.requests).toEqual(whole.requests)
      expect(sorted(run.states)).toEqual(sorted(whole.states))
    }
  })

  test('one that is there anew before the next checkpoint is in it', () => {
    const run = new Run().take([minutes(0, 10, 'a'), minutes(0, 2 * dayMinutes, 'b')]).checkpoint()
    run.take([minutes(2 * dayMinutes, hourMinutes, 'b'), minutes(2 * dayMinutes + hourMinutes, 10, 'a')]).checkpoint()
    expect([run.has(keyOf('a')), run.has(entityStateKey('a')), run.watched]).toEqual([true, true, 2])
    const { begunMs } = decodeWatch(run.states.get(hex(keyOf('a')))!.snapshot, driftStateVersion, {
      detector: 'adwin',
      delta: 0.002,
    })
    expect(begunMs).toBe((2 * dayMinutes + hourMinutes + 10) * minuteMs)
    expect(
      JSON.parse(
        run.states
          .get(hex(entityStateKey('a')))!
          .snapshot.subarray(8)
          .toString(),
      ),
    ).toMatchObject({ series: 1 })
  })

  test('hours in which nothing came are held against nobody; what was watched for long is remembered for long', () => {
    const run = new Run().take([minutes(0, 5 * dayMinutes, 'a'), minutes(0, 5 * dayMinutes, 'b')])
    const after = (days: number, count: number) => minutes(days * dayMinutes, count, 'b')
    run.take([after(30, 10), minutes(30 * dayMinutes, 10, 'a')]).checkpoint()
    expect(run.has(keyOf('a'))).toBe(true)
    for (let day = 31; day < 44; day++) run.take([after(day, dayMinutes)])
    expect(run.checkpoint().has(keyOf('a'))).toBe(true)
    expect(
      run
        .take([after(44, dayMinutes), after(45, dayMinutes)])
        .checkpoint()
        .has(keyOf('a')),
    ).toBe(false)
  })

  test('an entity that asked stays until its budget is whole again, without its series', () => {
    const run = new Run().take([minutes(0, 500, 'a'), minutes(500, 200, 'a', 0.9)])
    expect(run.requests).toHaveLength(1)
    const days = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => minutes((from + i) * dayMinutes, dayMinutes, 'b'))
    run.take(days(1, 4)).checkpoint().restart()
    expect([run.has(keyOf('a')), run.has(entityStateKey('a'))]).toEqual([false, true])
    run.take(days(4, 9)).checkpoint()
    expect(run.has(entityStateKey('a'))).toBe(false)
  })

  test('of an earlier release they are forgotten a day after the upgrade, with their entity', () => {
    const golden = (name: string) => readFileSync(new URL(`../test/golden/${name}.1.bin`, import.meta.url))
    const run = new Run()
    const old = { series: seriesKey(latencyLabels), entity: Buffer.from([...entityKey(latencyLabels, ['instance']), 1]) }
    run.states.set(hex(old.series), { snapshot: golden('series'), version: 1 })
    run.states.set(hex(old.entity), { snapshot: golden('entity'), version: 1 })
    const hours = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => minutes((from + i) * hourMinutes, hourMinutes, 'b'))
    run.restart().take(hours(1000, 1010)).checkpoint().restart().take(hours(1010, 1024)).checkpoint()
    expect([run.has(old.series), run.has(old.entity)]).toEqual([true, true])
    run.take(hours(1024, 1028)).checkpoint()
    expect([run.has(old.series), run.has(old.entity)]).toEqual([false, false])
  })
})

const sorted = (states: Run['states']) => [...states].map(([key, { snapshot }]) => `${key}=${hex(snapshot)}`).sort()
