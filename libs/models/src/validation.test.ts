import type { TrainedModel } from '@lapwing/deep/model'
import type { Rows } from '@lapwing/deep/rows'
import { trainModel } from '@lapwing/deep/train-model'
import { createRandom } from '@lapwing/detection/random'
import { describe, expect, test } from 'vitest'
import { meanSpans, validateCandidate } from './validation.ts'

const channels = ['requests', 'cpu', 'memory', 'latency', 'errors', 'queue']
const heldBack = 120

/** Channels that follow one load, each with noise of its own; `shift` is added to the first four, in units of their noise. */
function entityRows(count: number, shift: (row: number) => number, seed = 1): Rows {
  const random = createRandom(seed)
  const gauss = () => Array.from({ length: 6 }, random).reduce((sum, one) => sum + one - 0.5, 0) / Math.SQRT1_2
  const values = new Float64Array(count * channels.length)
  for (let row = 0; row < count; row++) {
    const load = 10 * Math.sin(row / 40) + 2 * gauss()
    for (let channel = 0; channel < channels.length; channel++) {
      values[row * channels.length + channel] = 100 + load * (channel + 1) + 2 * gauss() + (channel < 4 ? 2 * shift(row) : 0)
    }
  }
  return { channels: channels.length, count, values }
}

function part({ channels: width, values }: Rows, from: number, to: number): Rows {
  return { channels: width, count: to - from, values: values.slice(from * width, to * width) }
}

function train(rows: Rows, kind: TrainedModel['kind'] = 'multiscale-pca') {
  const tensorflow = () => Promise.reject(new Error('not asked for'))
  return trainModel({ kind, channels, rows, seed: 1, tensorflow, onProgress: () => {} })
}

async function validate(rows: Rows, inForce: TrainedModel | undefined, incidents?: Uint8Array) {
  const { count } = rows
  const candidate = await train(part(rows, heldBack, count - heldBack))
  const none = new Uint8Array(heldBack)
  return validateCandidate({
    candidate,
    inForce,
    channels,
    oldest: { rows: part(rows, 0, heldBack), incidents: none },
    newest: { rows: part(rows, count - heldBack, count), incidents: incidents ?? none },
    usual: meanSpans(part(rows, 0, count - heldBack), heldBack),
    seed: 7,
  })
}

describe('validation', () => {
  test('the first model of an entity is accepted on its own numbers', async () => {
    const verdict = await validate(
      entityRows(1200, () => 0),
      undefined,
    )
    expect(verdict).toMatchObject({ isAccepted: true, inForce: undefined, moving: [] })
    expect(verdict.candidate.recall).toBeGreaterThan(0.7)
    expect(verdict.candidate.falseShare).toBeLessThan(0.05)
    expect(verdict.faults).toBeGreaterThan(20)
  })

  test('after a step that has settled the candidate wins, because the model in force alarms all the time', async () => {
    const inForce = await train(entityRows(1000, () => 0, 2))
    const verdict = await validate(
      entityRows(1200, (row) => (row > 900 ? 40 : 0)),
      inForce,
    )
    expect(verdict.decision).toMatch(/^precision/)
    expect(verdict.isAccepted).toBe(true)
    expect(verdict.candidate.precision).toBeGreaterThan(verdict.inForce!.precision + 0.2)
    expect(verdict.inForce!.falseShare).toBeGreaterThan(0.3)
  })

  test('a slow ramp that goes on is not learned: less precise at equal recall, with the numbers', async () => {
    const inForce = await train(entityRows(1000, () => 0, 2))
    const verdict = await validate(
      entityRows(1200, (row) => Math.max(0, (row - 300) / 4)),
      inForce,
    )
    expect(verdict.isAccepted).toBe(false)
    expect(verdict.decision).toMatch(/^less precise: precision 0\.\d\d at recall [01]\.\d\d, the model in force [01]\.\d\d/)
    expect(verdict.decision).toContain('still moving: requests, cpu')
  })

  test('what people confirmed as an incident has to be found', async () => {
    const inForce = await train(entityRows(1000, () => 0, 2))
    const rows = entityRows(1200, (row) => (row > 900 ? 40 : 0))
    const verdict = await validate(rows, inForce, new Uint8Array(heldBack).fill(1))
    expect(verdict.isAccepted).toBe(false)
  })

  test('without change the candidate is as good as the model in force', async () => {
    const inForce = await train(entityRows(1000, () => 0, 2))
    const verdict = await validate(
      entityRows(1200, () => 0),
      inForce,
    )
    expect(verdict.isAccepted).toBe(true)
    expect(Math.abs(verdict.candidate.precision - verdict.inForce!.precision)).toBeLessThan(0.1)
  })

  test('the same input gives the same verdict', async () => {
    const rows = entityRows(1200, () => 0)
    expect(await validate(rows, undefined)).toEqual(await validate(rows, undefined))
  })
})

describe('spans of means', () => {
  test('are those of all stretches, whatever is missing', () => {
    const rows: Rows = { channels: 2, count: 5, values: Float64Array.of(1, NaN, 3, NaN, NaN, NaN, 8, NaN, 2, NaN) }
    expect(meanSpans(rows, 2)).toEqual({ lowest: Float64Array.of(2, NaN), highest: Float64Array.of(8, NaN) })
  })
})
