/**
 * What every model promises, as one suite: it does not touch its input, chance comes from the seed, a restored model goes on bit
 * for bit, channels may vanish and come back, every score is a number from 0 on, and above 1 means anomalous.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createPythonRandom } from '../src/python-random.ts'

/** A model that takes rows in the order of time. */
export interface RunningModel {
  observe(row: Float64Array): number
  snapshot(): Uint8Array
}

export interface ConformingModel {
  readonly name: string
  /** Numbers in a row. */
  readonly channels: number
  /** A model that knows these rows. */
  create(history: readonly Float64Array[]): RunningModel
  restore(snapshot: Uint8Array): RunningModel
  /** Rows as usual, and one or more that are not: at least one of these has to score above 1. */
  readonly usual: (count: number) => Float64Array[]
  readonly unusual: readonly Float64Array[]
  /** Share of usual rows that may score above 1. */
  readonly falseShare: number
  /** False for models that are only ever given finite numbers. */
  readonly takesGaps: boolean
}

export function describeConformance(model: ConformingModel): void {
  const { channels, create, restore, usual, unusual, takesGaps } = model
  const known = usual(historyRows + 300)
  const history = known.slice(0, historyRows)
  const later = known.slice(historyRows)
  const finite = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(0, -Number.MAX_VALUE, Number.MAX_VALUE),
  )
  const number = takesGaps
    ? fc.oneof(finite, fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY))
    : finite
  const anyRows = fc.array(fc.array(number, { minLength: channels, maxLength: channels }), { minLength: 1, maxLength: 40 })

  describe(`${model.name} keeps what every model promises`, () => {
    test('its input stays as it was', () => {
      const gaps = takesGaps ? [new Float64Array(channels).fill(Number.NaN)] : []
      const rows = [...later.slice(0, 50), ...gaps, ...unusual]
      const before = rows.map((row) => row.slice())
      const running = create(history)
      for (const row of rows) running.observe(row)
      expect(rows).toEqual(before)
    })

    test('the same rows give the same scores', () => {
      const scores = () => {
        const running = create(history)
        return [...later, ...unusual].map((row) => running.observe(row))
      }
      expect(scores()).toEqual(scores())
    })

    test('restored, it goes on bit for bit', () => {
      const whole = create(history)
      for (const row of later.slice(0, 100)) whole.observe(row)
      const restored = restore(whole.snapshot())
      for (const row of [...later.slice(100), ...unusual]) expect(restored.observe(row)).toBe(whole.observe(row))
      expect(restored.snapshot()).toEqual(whole.snapshot())
    })

    test('a snapshot that is cut short is refused', () => {
      const snapshot = create(history).snapshot()
      expect(() => restore(snapshot.slice(0, snapshot.length - 1))).toThrow(RangeError)
      expect(() => restore(new Uint8Array(0))).toThrow(RangeError)
    })

    test('no row makes a score that is no number from 0 on', () => {
      fc.assert(
        fc.property(anyRows, (rows) => {
          const running = create(history)
          for (const row of [...rows.map((values) => Float64Array.from(values)), ...later.slice(0, 5)]) {
            expect(running.observe(row)).toBeGreaterThanOrEqual(0)
          }
        }),
        { numRuns: 30 },
      )
    })

    test('above 1 is anomalous: usual rows hardly ever, unusual ones at some point', () => {
      const running = create(history)
      const loud = later.filter((row) => running.observe(row) > 1)
      expect(loud.length).toBeLessThanOrEqual(model.falseShare * later.length)
      expect(Math.max(...unusual.map((row) => running.observe(row)))).toBeGreaterThan(1)
    })

    if (!takesGaps) return
    test('channels may vanish and come back', () => {
      const random = createPythonRandom(4)
      const running = create(history.map((row) => row.map((value) => (random() < 0.2 ? Number.NaN : value))))
      for (const row of later) {
        const score = running.observe(row.map((value) => (random() < 0.3 ? Number.NaN : value)))
        expect(score).toBeGreaterThanOrEqual(0)
      }
      expect(running.observe(new Float64Array(channels).fill(Number.NaN))).toBeGreaterThanOrEqual(0)
      expect(Math.max(...unusual.map((row) => running.observe(row)))).toBeGreaterThan(1)
    })
  })
}

/** Past the warm-up of every model, and some windows of trees. */
const historyRows = 1000
