/** Cohorts through the detector's step: what is told of them, and what a new series gains from it. */
import { readFileSync } from 'node:fs'
import { DecodeError, decode, encode } from '@lapwing/contracts/codec'
import { float32Column, uint8Column } from '@lapwing/contracts/columns'
import type { Model } from '@lapwing/contracts/records'
import { sortedLabels } from '@lapwing/contracts/series'
import { seriesStates } from '@lapwing/contracts/series-state'
import { snapshotVersion } from '@lapwing/detection/series-detector'
import { stateName } from '@lapwing/queries/detector-settings'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import { describe, expect, test } from 'vitest'
import { type TakenCheckpoint, takeCheckpoint } from '../testing/checkpoint.ts'
import { sampleRecord } from '../testing/sample-batch.ts'
import { cohortOf, startCounts } from './cohorts.ts'
import { detectorSchema } from './config.ts'
import { type BatchObservation, createDetectStep } from './detect.ts'

const stepMs = 60_000
const dayMinutes = 1440

/** One service with pods that do the same, each with noise of its own. */
class Service {
  readonly starts = { started: 0, trusted: 0, misfit: 0, expired: 0 }
  step = this.#createStep()
  readonly outputs: OutgoingRecord[] = []
  #minute = 0
  readonly #seed: number

  constructor(seed: number, fromMinute = 0) {
    this.#seed = seed
    this.#minute = fromMinute
  }

  feed(pods: readonly number[], minutes: number, level = 100): this {
    for (const end = this.#minute + minutes; this.#minute < end; ) this.#poll(pods, this.#minute++, level)
    return this
  }

  restart(): this {
    const { states } = takeCheckpoint(this.step)
    this.step = this.#createStep()
    for (const { key, snapshot } of states) this.step.restore(key, snapshot, snapshotVersion)
    return this
  }

  apply(value: Uint8Array | null): this {
    this.step.apply!({ topic: 'models', partition: 7, offset: 0n, timestampMs: 0, key: null, value, headers: new Map() })
    return this
  }

  #createStep() {
    return createStep(({ cohortStarts }) => {
      for (const outcome of startCounts) this.starts[outcome] += cohortStarts[outcome]
    })
  }

  get priors(): OutgoingRecord[] {
    return this.outputs.filter(({ topic }) => topic === 'models')
  }

  get opened(): number {
    const anomalies = this.outputs.filter(({ topic }) => topic === 'anomalies').map(({ value }) => decode('Anomaly', value!))
    return anomalies.filter(({ state }) => state === 'open').length
  }

  get states(): string[] {
    return this.#scores((batch) => seriesStates[uint8Column(batch.states, 1)[0]!]!)
  }

  get confidences(): number[] {
    return this.#scores((batch) => float32Column(batch.confidence)[0]!)
  }

  #scores<Value>(read: (batch: ReturnType<typeof scoreBatch>) => Value): Value[] {
    return this.outputs.filter(({ topic }) => topic === 'scores').map(({ value }) => read(scoreBatch(value!)))
  }

  #poll(pods: readonly number[], minute: number, level: number): void {
    const series = pods.map((pod) => ({
      labels: { __name__: 'requests', job: `shop-${this.#seed}`, pod: `shop-${pod}`, instance: `10.0.0.${pod}:80` },
      samples: [[(minute + 1) * stepMs, valueAt(this.#seed, pod, minute, level)] as const],
    }))
    const record: LogRecord = sampleRecord(series, { offset: BigInt(minute), stepMs })
    this.step.process(record, (output) => this.outputs.push(output))
  }
}

const scoreBatch = (value: Uint8Array) => decode('ScoreBatch', value)

function createStep(observe: (observation: BatchObservation) => void) {
  const topics = { scoresTopic: 'scores', anomaliesTopic: 'anomalies', modelsTopic: 'models' }
  return createDetectStep({ config: detectorSchema.parse({}), ...topics, observe, observeVerdict: () => {} })
}

/** A day with a busy afternoon, noise of four per cent, and now and then a burst. */
function valueAt(seed: number, pod: number, minute: number, level: number): number {
  const day = 1 + 0.5 * Math.sin((2 * Math.PI * (minute - 480)) / dayMinutes)
  const noise = 0.04 * (noiseAt(seed, pod, minute) + noiseAt(seed, pod, minute - 1))
  const burst = noiseAt(seed + 99, pod, Math.floor(minute / 5)) > 0.985 ? 0.3 : 0
  return level * (1 + 0.01 * noiseAt(seed, pod, -7)) * day * (1 + noise + burst)
}

/** -1 to 1, a function of its arguments. */
function noiseAt(seed: number, pod: number, minute: number): number {
  let mixed = Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(pod + 17, 0x85ebca6b) ^ Math.imul(minute + 3, 0xc2b2ae35)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39)
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2147483648 - 1
}

const pods = [1, 2, 3, 4]
const newPod = 9

describe('a cohort', () => {
  test('is the same metric and labels, whichever pod or instance', () => {
    const one = cohortOf(
      sortedLabels([
        ['__name__', 'up'],
        ['job', 'a'],
        ['pod', 'x'],
        ['instance', 'h:1'],
      ]),
    )
    const other = cohortOf(
      sortedLabels([
        ['__name__', 'up'],
        ['job', 'a'],
        ['pod', 'y'],
        ['instance', 'h:2'],
      ]),
    )
    expect(one).toEqual(other)
    expect(one.name).toBe('up{job="a"}')
    expect(
      cohortOf(
        sortedLabels([
          ['__name__', 'up'],
          ['job', 'b'],
        ]),
      ).key,
    ).not.toBe(one.key)
  })

  test('is told once an hour when its members agree, and again the same in a replay', () => {
    const service = new Service(1).feed(pods, 500)
    const models = service.priors.map(({ value }) => decode('Model', value!))
    expect(models.length).toBeGreaterThan(2)
    expect(models.length).toBeLessThanOrEqual(8)
    expect(models[0]).toMatchObject({ kind: 'cohort-prior', state: 'promoted', metrics: [{ name: 'series', value: 4 }] })
    expect(models[0]!.weights!.length).toBeLessThan(10_000)
    expect(new Service(1).feed(pods, 500).outputs).toEqual(service.outputs)
    expect(new Service(1).feed(pods, 250).restart().feed(pods, 250).priors).toEqual(service.priors)
  })

  test('of two is not told', () => {
    expect(new Service(1).feed([1, 2], 500).priors).toEqual([])
  })
})

describe('priors', () => {
  test('are kept for the newest cohorts, and the same ones after a restart', () => {
    const prior = decode('Model', new Service(1).feed(pods, 300).priors.at(-1)!.value!)
    const named = (number: number) =>
      encode('Model', { ...prior, createdAtMs: number, scope: `cohort:${String(number).padStart(32, '0')}` })
    const order = [5, 3, 4, 1, 2, ...Array.from({ length: 252 }, (_, i) => i + 6)]
    const stateKeys = ({ states }: TakenCheckpoint) => states.map(({ key }) => Buffer.from(key).toString('hex'))
    const service = new Service(7)
    for (const number of order) service.apply(named(number))
    const first = takeCheckpoint(service.step)
    expect(first.forgotten).toEqual([`${'0'.repeat(31)}103`])
    expect(stateKeys(first)).toHaveLength(256)
    const second = takeCheckpoint(service.apply(named(300)).step)
    expect([stateKeys(second), second.forgotten]).toEqual([[`${'0'.repeat(29)}30003`], [`${'0'.repeat(31)}203`]])
    expect(takeCheckpoint(service.step)).toEqual({ forgotten: [], states: [] })
  })

  test('that 0.1.0 no longer kept leave the state topic', () => {
    const service = new Service(7)
    const key = Uint8Array.of(...new Uint8Array(16), 3)
    service.step.restore(key, new Uint8Array(0), snapshotVersion)
    expect(takeCheckpoint(service.step)).toEqual({ forgotten: [Buffer.from(key).toString('hex')], states: [] })
  })
})

describe('a new series of a known cohort', () => {
  const prior = new Service(2).feed(pods, 2 * dayMinutes).priors.at(-1)!.value!
  const started = () => new Service(2, 2 * dayMinutes).apply(prior)

  test('says what it finds after 30 samples, with the confidence that it has earned', () => {
    const { states, confidences } = started().feed([newPod], 220)
    expect(states.indexOf('ok')).toBe(29)
    expect(new Set(states.slice(0, 29))).toEqual(new Set(['warming_from_cohort']))
    expect(confidences.slice(0, 29).every((confidence) => confidence === 0)).toBe(true)
    expect(confidences[49]).toBeCloseTo(0.25, 2)
    expect(confidences[210]).toBeGreaterThan(0.9)
  })

  test('whose level is another begins anew', () => {
    const { states, opened } = started().feed([newPod], 300, 1000)
    expect(states.slice(30, 229).every((state) => state === 'warming')).toBe(true)
    expect(states[231]).not.toBe('warming')
    expect(opened).toBe(0)
  })

  test('goes on after a restart as if nothing had happened', () => {
    const calm = started().feed([newPod], 120)
    const restarted = started().feed([newPod], 20).restart().feed([newPod], 100)
    expect(restarted.outputs).toEqual(calm.outputs)
    const before = started().restart().feed([newPod], 120)
    expect(before.outputs).toEqual(calm.outputs)
  })

  test('of another cohort, or of a prior that is gone, begins anew', () => {
    expect(new Service(3, 2 * dayMinutes).apply(prior).feed([newPod], 1).states).toEqual(['warming'])
    expect(new Service(2, 2 * dayMinutes).apply(null).feed([newPod], 1).states).toEqual(['warming'])
  })

  test.each([
    ['weights cut short', (model: Model) => ({ ...model, weights: model.weights!.subarray(0, 100) })],
    ['a scope that is none', (model: Model) => ({ ...model, scope: 'cohort:x' })],
  ])('a prior with %s is damage', (_, damage) => {
    expect(() => started().apply(encode('Model', damage(decode('Model', prior))))).toThrow(DecodeError)
  })

  test('a prior of the layout before is taken, from its topic and from a state', () => {
    const weights = readFileSync(new URL('../../../libs/detection/test/golden/series-detector.v2.bin', import.meta.url))
    const older = { ...decode('Model', prior), configHash: stateName(detectorSchema.parse({})), weights }
    const service = new Service(2, 2 * dayMinutes).apply(encode('Model', older))
    const [kept] = takeCheckpoint(service.step).states
    expect(service.feed([newPod], 1).states).toEqual(['warming_from_cohort'])
    const restored = new Service(2, 2 * dayMinutes)
    restored.step.restore(kept!.key, Buffer.concat([kept!.snapshot.subarray(0, 8), weights]), 2)
    expect(restored.feed([newPod], 1).outputs).toEqual(
      new Service(2, 2 * dayMinutes).apply(encode('Model', older)).feed([newPod], 1).outputs,
    )
  })

  test('whose cohort was heard of a week ago begins anew, after a restart too', () => {
    const late = new Service(2, 9 * dayMinutes + 30).apply(prior)
    expect(late.feed([newPod], 1).restart().feed([8], 1).states).toEqual(['warming', 'warming'])
    expect(late.starts).toEqual({ started: 0, trusted: 0, misfit: 0, expired: 1 })
    expect(started().feed([newPod], 40).starts).toEqual({ started: 1, trusted: 1, misfit: 0, expired: 0 })
    expect(started().feed([newPod], 40, 1000).starts).toEqual({ started: 1, trusted: 0, misfit: 1, expired: 0 })
  })

  test('of another model is left', () => {
    const other = { ...decode('Model', prior), configHash: 'another' }
    expect(new Service(2).apply(encode('Model', other)).feed([newPod], 1).states).toEqual(['warming'])
  })

  /** `LAPWING_SERVICES=24` gives the figures of docs/models.md. */
  test('is ready sooner and has fewer false episodes in its first day', () => {
    const sum = { readyWith: 0, readyWithout: 0, openedWith: 0, openedWithout: 0 }
    const services = Array.from({ length: Number(process.env.LAPWING_SERVICES ?? 3) }, (_, i) => 11 + i)
    for (const seed of services) {
      const found = new Service(seed).feed(pods, 2 * dayMinutes).priors.at(-1)!.value!
      const withPrior = new Service(seed, 2 * dayMinutes).apply(found).feed([newPod], dayMinutes)
      const without = new Service(seed, 2 * dayMinutes).feed([newPod], dayMinutes)
      sum.readyWith += withPrior.confidences.findIndex((confidence) => confidence > 0) + 1
      sum.readyWithout += without.confidences.findIndex((confidence) => confidence > 0) + 1
      sum.openedWith += withPrior.opened
      sum.openedWithout += without.opened
    }
    process.stderr.write(`  cohort start, ${services.length} new pods: ${JSON.stringify(sum)}\n`)
    expect(sum.readyWith).toBeLessThan(sum.readyWithout / 5)
    expect(sum.openedWith).toBeLessThan(sum.openedWithout)
  })
})
