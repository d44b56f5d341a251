/**
 * The online detector of a series on one core: 10,000 warm series in turn, so that each sample finds its state out of the caches,
 * as in a partition that takes a scrape; and the memory that a series takes there.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Benches, callsPerCpuSecond, type Figure } from '../../../bench/figure.ts'
import { SeriesDetector } from './series-detector.ts'

export const benches: Benches = {
  'detector/10k-series': () => samplesPerSecond('detector/10k-series', usualStepMs),
  'detector/10k-series-5m': () => samplesPerSecond('detector/10k-series-5m', rowStepMs),
  'detector/bytes-per-series': bytesPerSeries,
}

const options = { windowMs: 3_600_000, contamination: 0.01, falseAlarmsPerWeek: 1, timeZone: 'UTC', seed: 1 }
const seriesCount = 10_000
/** Past the warm-up and some windows of the trees, so that nothing is spared any more. */
const warmRounds = 300
/** The ingestor's default: twenty samples make a row of novelty. */
const usualStepMs = 15_000
/** Each sample is a row of novelty: the most work there is. */
const rowStepMs = 300_000

function samplesPerSecond(bench: string, stepMs: number): Figure {
  const feed = createFeed(stepMs)
  for (let round = 0; round < warmRounds; round++) feed()
  const value = callsPerCpuSecond(feed, { roundMs: 1000 })
  return { bench, value: Math.round(value), unit: 'samples/s' }
}

/** Resident, in a process of its own, by `testing/weigh-series.ts`. */
function bytesPerSeries(): Figure {
  const script = fileURLToPath(new URL('../testing/weigh-series.ts', import.meta.url))
  const child = spawnSync(process.execPath, ['--expose-gc', '--import', 'tsx', script, JSON.stringify(options)], {
    encoding: 'utf8',
  })
  const value = Number(child.stdout)
  if (!(value > 0)) throw new Error(`series could not be weighed: ${child.stderr}`)
  return { bench: 'detector/bytes-per-series', value: Math.round(value), unit: 'bytes' }
}

/** Each call brings a sample to every series; returns how many. */
function createFeed(stepMs: number): () => number {
  const detector = new SeriesDetector(options)
  const sample = { timestampMs: 1.7e12, value: 0, imputed: false, stale: false, stepMs, live: true }
  let round = 0
  return () => {
    round++
    sample.timestampMs += stepMs
    for (let slot = 0; slot < seriesCount; slot++) {
      sample.value = 50 + 10 * Math.sin((round + slot) / 30) + Math.sin(slot * 7.3 + round * 12.9)
      if (!detector.update(slot, sample)) throw new Error('a sample was not taken')
    }
    return seriesCount
  }
}
