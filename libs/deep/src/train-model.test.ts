import { createRandom } from '@lapwing/detection/random'
import { describe, expect, test } from 'vitest'
import { type ModelKind, modelKinds } from './model.ts'
import { createMultivariateDetector } from './multivariate-detector.ts'
import { loadTensorFlow } from './tensorflow.ts'
import { TooFewRowsError, trainModel } from './train-model.ts'

const channels = ['load', 'requests', 'latency', 'idle']

/** Four channels of one machine, driven by one load; from `faultRow` on latency no longer follows it. */
function machineRows(count: number, seed: number, faultRow = Number.POSITIVE_INFINITY) {
  const random = createRandom(seed)
  const values = new Float64Array(count * channels.length)
  for (let row = 0; row < count; row++) {
    const load = 0.5 + 0.3 * Math.sin(row / 40) + 0.05 * (random() - 0.5)
    const latency = row >= faultRow ? 2 - load : 0.1 + load
    values.set(
      [load, 1000 * load, latency, 1 - load].map((value) => value * (1 + 0.02 * (random() - 0.5))),
      row * 4,
    )
  }
  return { channels: channels.length, count, values }
}

/** Training is the slow part: tests that only look at a model share it. */
const known = new Map<ModelKind, ReturnType<typeof trained>>()

function shared(kind: ModelKind) {
  if (!known.has(kind)) known.set(kind, trained(kind))
  return known.get(kind)!
}

async function trained(kind: ModelKind, rows = machineRows(1000, 1)) {
  const shares: number[] = []
  const tensorflow = () => loadTensorFlow('wasm')
  const model = await trainModel({ kind, channels, rows, seed: 7, tensorflow, onProgress: (share) => shares.push(share) })
  return { model, shares }
}

function verdicts(model: Awaited<ReturnType<typeof trained>>['model'], rows: ReturnType<typeof machineRows>) {
  const detector = createMultivariateDetector(model)
  return Array.from({ length: rows.count }, (_, row) => {
    const { score, confidence } = detector.update(rows.values.subarray(row * 4, row * 4 + 4))
    return { score, confidence, contributions: [...detector.contributions] }
  })
}

// The LSTM takes half a minute here; what is its own is held in lstm-autoencoder.test.ts. A forest is blind to relations.
describe.each(modelKinds.filter((kind) => kind !== 'lstm' && kind !== 'iforest'))('%s', (kind) => {
  test('is calm on what it knows, sees what breaks the relation, and names the channel', async () => {
    const { model } = await shared(kind)
    const found = verdicts(model, machineRows(600, 2, 500))
    const before = found.slice(50, 500).filter(({ score }) => score > 1).length
    expect(before).toBeLessThan(5)
    expect(found.slice(510).every(({ score }) => score > 1)).toBe(true)
    const { contributions } = found[520]!
    expect(contributions.indexOf(Math.max(...contributions))).toBe(channels.indexOf('latency'))
    expect(contributions.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9)
  })

  test('scores 0 with confidence 0 until its longest window is full', async () => {
    const { model } = await shared(kind)
    const longest = Math.max(...model.members.map(({ windowRows }) => windowRows))
    const found = verdicts(model, machineRows(30, 3))
    expect(found.slice(0, longest - 1).every(({ score, confidence }) => score === 0 && confidence === 0)).toBe(true)
    expect(found[longest - 1]).toMatchObject({ confidence: 1 })
    expect(found[longest - 1]!.score).toBeGreaterThan(0)
  })

  test('is the same model for the same rows and seed', async () => {
    const [once, again] = [await shared(kind), await trained(kind)]
    expect(again.model).toEqual(once.model)
    expect(once.shares.at(-1)).toBe(1)
    expect(once.shares).toEqual([...once.shares].sort((a, b) => a - b))
  })
})

test('a forest judges each row by itself, sees what is far off, and is the same for the same seed', async () => {
  const { model } = await shared('iforest')
  const rows = machineRows(600, 2)
  rows.values.set([2, 2000, 5, 2], 300 * 4)
  const found = verdicts(model, rows)
  expect(found.filter(({ score }) => score > 1).length).toBeLessThan(20)
  expect(found[300]!.score).toBeGreaterThan(1)
  expect(found[300]!.contributions.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9)
  expect((await trained('iforest')).model).toEqual(model)
  await expect(trained('iforest', machineRows(199, 1))).rejects.toThrow('199 rows are too few to train on, expected at least 200')
})

test('missing values lower the confidence, and are no anomaly', async () => {
  const { model } = await shared('multiscale-pca')
  const rows = machineRows(300, 4)
  for (let row = 200; row < 205; row++) rows.values[row * 4 + 1] = Number.NaN
  const found = verdicts(model, rows)
  expect(found[204]!.confidence).toBeCloseTo(1 - 5 / 80, 9)
  expect(found[240]!.confidence).toBe(1)
  expect(found.slice(200, 225).filter(({ score }) => score > 1)).toHaveLength(0)
})

test('a history that is too short is refused with the rows it takes', async () => {
  await expect(trained('pca', machineRows(99, 1))).rejects.toThrow(TooFewRowsError)
  await expect(trained('pca', machineRows(99, 1))).rejects.toThrow('99 rows are too few to train on, expected at least 100')
})
