/** Every model of this library through the conformance suite. */
import { type ConformingModel, describeConformance, type RunningModel } from '../testing/conformance.ts'
import type { BatchModel, Table } from './batch-model.ts'
import { createDriftDetector, driftDetectorNames } from './drift-detector.ts'
import { growForest, unitLimits } from './half-space-forest.ts'
import { createMasses, learn, locateIncomplete, massViews, reserveMasses, score } from './half-space-trees.ts'
import { fitIsolationForest, readIsolationForest, usualIsolationForest } from './isolation-forest.ts'
import { takeInto } from './memory.ts'
import { createPythonRandom } from './python-random.ts'
import { SeriesDetector } from './series-detector.ts'

/** Four channels that follow one hidden level. */
function relatedChannels(count: number): Float64Array[] {
  const random = createPythonRandom(1)
  return Array.from({ length: count }, (_, row) => {
    const level = 0.5 + 0.2 * Math.sin(row / 30)
    return Float64Array.from([1, 0.5, -0.5, 0.2], (weight) => 0.3 + weight * 0.5 * level + 0.05 * (random() - 0.5))
  })
}

const farOff = Array.from({ length: 3 }, () => Float64Array.of(0.98, 0.01, 0.97, 0.99))

function tableOf(rows: readonly Float64Array[]): Table {
  return { channels: rows[0]!.length, values: Float64Array.from(rows.flatMap((row) => [...row])) }
}

function runningBatch(model: BatchModel & { toBytes(): Uint8Array }): RunningModel {
  const shares = new Float64Array(model.channels)
  return { observe: (row) => model.score(row, shares), snapshot: () => model.toBytes() }
}

const multivariate = { channels: 4, usual: relatedChannels, unusual: farOff, takesGaps: true }

const batchModels: ConformingModel[] = [
  {
    ...multivariate,
    name: 'isolation forest',
    create: (history) => runningBatch(fitIsolationForest(tableOf(history), usualIsolationForest)),
    restore: (snapshot) => runningBatch(readIsolationForest(snapshot)),
    falseShare: 0.05,
  },
]

const forest = growForest({ trees: 25, height: 8, limits: unitLimits(4), seed: 3 })

/** Scores are 0 to 1 by their definition; as a model on its own they are told apart by the score that a box of half the window has. */
function runningTrees(snapshot?: Uint8Array): RunningModel {
  const masses = createMasses(forest, 250)
  reserveMasses(masses, 0)
  if (snapshot) {
    let at = 0
    for (const part of massViews(masses, 0)) at = takeInto(part, snapshot, at)
    if (at !== snapshot.length) throw new RangeError('too long')
  }
  const leaves = new Uint16Array(forest.trees)
  return {
    observe: (row) => {
      locateIncomplete(masses, 0, row, leaves)
      const isolation = score(masses, 0, leaves)
      learn(masses, 0, leaves)
      return isolation / anomalousIsolation
    },
    snapshot: () => Uint8Array.from([...massViews(masses, 0)].flatMap((part) => [...part])),
  }
}

const anomalousIsolation = 0.99

const halfSpaceTrees: ConformingModel = {
  ...multivariate,
  name: 'half-space trees',
  create: (history) => {
    const running = runningTrees()
    for (const row of history) running.observe(row)
    return running
  },
  restore: runningTrees,
  falseShare: 0.05,
}

/** Uniform; above 1 now and then, so that DDM and EDDM have something to count. */
function oneChannel(count: number): Float64Array[] {
  const random = createPythonRandom(2)
  return Array.from({ length: count }, () => Float64Array.of(1.1 * random()))
}

const driftDetectors = driftDetectorNames.map((detector): ConformingModel => {
  const options = { detector, delta: 0.002 }
  const running = (snapshot?: Uint8Array): RunningModel => {
    const numbers = snapshot && new Float64Array(snapshot.slice().buffer)
    const watching = createDriftDetector(options, numbers)
    return {
      observe: ([score]) => (watching.update(Math.min(3, Math.max(0, score!))) === 'drift' ? 2 : 0),
      snapshot: () => new Uint8Array(watching.snapshot().buffer),
    }
  }
  return {
    name: detector,
    channels: 1,
    create: (history) => {
      const watching = running()
      for (const row of history) watching.observe(row)
      return watching
    },
    restore: running,
    usual: oneChannel,
    unusual: oneChannel(300).map((row) => row.map((value) => value + 0.9)),
    falseShare: 0.02,
    takesGaps: false,
  }
})

function runningSeries(snapshot?: Uint8Array): RunningModel {
  const detector = new SeriesDetector({
    windowMs: 3_600_000,
    contamination: 0.01,
    falseAlarmsPerWeek: 1,
    timeZone: 'UTC',
    seed: 1,
  })
  const sample = { timestampMs: 0, value: 0, imputed: false, stale: false, stepMs: 15_000, live: true }
  // The time of the next sample travels beside the snapshot, as the source offset does in a service.
  if (snapshot) {
    const view = new DataView(snapshot.buffer, snapshot.byteOffset, snapshot.byteLength)
    if (snapshot.length < 8) throw new RangeError('too short')
    sample.timestampMs = view.getFloat64(0)
    detector.restore(0, snapshot.subarray(8))
  }
  return {
    observe: ([value]) => {
      sample.value = value!
      sample.timestampMs += 15_000
      detector.update(0, sample)
      return detector.verdict.score
    },
    snapshot: () => {
      const state = detector.snapshot(0)
      const bytes = new Uint8Array(8 + state.length)
      new DataView(bytes.buffer).setFloat64(0, sample.timestampMs)
      bytes.set(state, 8)
      return bytes
    },
  }
}

const seriesDetector: ConformingModel = {
  name: 'series detector',
  channels: 1,
  create: (history) => {
    const running = runningSeries()
    for (const row of history) running.observe(row)
    return running
  },
  restore: runningSeries,
  usual: oneChannel,
  unusual: [Float64Array.of(50)],
  falseShare: 0.02,
  takesGaps: false,
}

for (const model of [...batchModels, halfSpaceTrees, ...driftDetectors, seriesDetector]) describeConformance(model)
