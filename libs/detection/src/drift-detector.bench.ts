/**
 * How late drift detectors tell a change of the mean score from 0.5 to 0.9, and how often they tell one where there is none.
 *
 * Beside each stands a dummy that knows nothing and alarms every 1,000 samples: what retraining by the clock would be. The ratio
 * is how much better the detector is. Scores are uniform and 1 wide, so that above 1 there are none before the change for DDM and
 * EDDM; these get a range that reaches up to 1.25. A change that is missed counts as 5,000 samples.
 */
import type { Benches, Figure } from '../../../bench/figure.ts'
import { type StreamPart, streamOf } from '../testing/river-stream.ts'
import { createDriftDetector, type DriftDetectorName, driftDetectorNames } from './drift-detector.ts'

export const benches: Benches = Object.fromEntries(
  driftDetectorNames.flatMap((name) => {
    const suffix = name === 'adwin' ? '' : `/${name}`
    return [
      [`drift/delay${suffix}`, () => delayFigure(name, `drift/delay${suffix}`)],
      [`drift/false-alarms${suffix}`, () => falseAlarmFigure(name, `drift/false-alarms${suffix}`)],
    ]
  }),
)

interface Watching {
  update(score: number): boolean
}

const seeds = Array.from({ length: 30 }, (_, i) => i + 1)
const quietSamples = 2000
const changedSamples = 5000
const dummyInterval = 1000

function delayFigure(name: DriftDetectorName, bench: string): Figure {
  const parts = [stationary(name, quietSamples), { ...stationary(name, changedSamples), low: 0.4, high: 1.4 }]
  const median = (create: () => Watching) => {
    const delays = seeds.map((seed) => delayOf(create(), streamOf(seed, parts))).sort((a, b) => a - b)
    return delays[seeds.length / 2]!
  }
  return lowerIsBetter(
    bench,
    'samples',
    median(() => detectorOf(name)),
    median(createDummy),
  )
}

function falseAlarmFigure(name: DriftDetectorName, bench: string): Figure {
  const perTenThousand = (create: () => Watching) =>
    seeds.reduce((sum, seed) => sum + alarmsOf(create(), streamOf(seed, [stationary(name, 10_000)])), 0) / seeds.length
  return lowerIsBetter(
    bench,
    'alarms per 10,000 samples',
    perTenThousand(() => detectorOf(name)),
    perTenThousand(createDummy),
  )
}

function stationary(name: DriftDetectorName, samples: number): StreamPart {
  return name === 'ddm' || name === 'eddm' ? { samples, low: 0, high: 1.25 } : { samples, low: 0, high: 1 }
}

function detectorOf(name: DriftDetectorName): Watching {
  const detector = createDriftDetector({ detector: name, delta: 0.002 })
  return { update: (score) => detector.update(score) === 'drift' }
}

function createDummy(): Watching {
  let samples = 0
  // Half an interval off, so that it neither always nor never meets the change.
  return { update: () => (samples++ + dummyInterval / 2) % dummyInterval === 0 }
}

function delayOf(watching: Watching, scores: Iterable<number>): number {
  let sample = 0
  for (const score of scores) {
    const told = watching.update(score)
    if (told && sample >= quietSamples) return sample - quietSamples
    sample++
  }
  return changedSamples
}

function alarmsOf(watching: Watching, scores: Iterable<number>): number {
  let alarms = 0
  for (const score of scores) if (watching.update(score)) alarms++
  return alarms
}

function lowerIsBetter(bench: string, unit: string, value: number, dummy: number): Figure {
  // No alarm at all would be infinitely better: counted as half of one in all streams.
  const ratio = dummy / Math.max(value, 0.5 / seeds.length)
  return {
    bench,
    value: Number(value.toPrecision(3)),
    unit,
    peer: 'dummy',
    peerValue: dummy,
    ratio: Number(ratio.toPrecision(3)),
  }
}
