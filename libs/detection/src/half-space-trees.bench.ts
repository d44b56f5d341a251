/**
 * Half-space trees on one core: score and learn each sample. 25 trees, height 8, window 250, as the peers are measured.
 *
 * River's are the same trees with the same scores; MOA's, on the JVM, are the fastest peer; AWS's random cut forest is what other
 * detectors of metrics use. With 1,000 series in turn, each finds its masses out of the near caches, as in a partition that takes
 * a scrape.
 */
import { fileURLToPath } from 'node:url'
import { type Benches, callsPerCpuSecond, type Figure } from '../../../bench/figure.ts'
import { runJavaPeer } from '../../../bench/java-peer.ts'
import { besides } from '../../../bench/peer.ts'
import { runPythonPeer } from '../../../bench/python-peer.ts'
import { growForest, locate, unitLimits } from './half-space-forest.ts'
import { createMasses, learn, massViews, reserveMasses, score } from './half-space-trees.ts'
import { createPythonRandom } from './python-random.ts'

export const benches: Benches = {
  'half-space-trees/1-feature': async () =>
    besides(samplesPerSecond('half-space-trees/1-feature', 1, 1), 'river', await river(1)),
  'half-space-trees/3-features': async () =>
    besides(samplesPerSecond('half-space-trees/3-features', 3, 1), 'river', await river(3)),
  'half-space-trees/1000-series': async () =>
    besides(samplesPerSecond('half-space-trees/1000-series', 1, 1000), 'moa', await moa(1, 1000)),
  'half-space-trees/1-feature/moa': async () =>
    besides(samplesPerSecond('half-space-trees/1-feature/moa', 1, 1), 'moa', await moa(1, 1)),
  'half-space-trees/3-features/moa': async () =>
    besides(samplesPerSecond('half-space-trees/3-features/moa', 3, 1), 'moa', await moa(3, 1)),
  'half-space-trees/1000-series/random-cut-forest': async () =>
    besides(
      samplesPerSecond('half-space-trees/1000-series/random-cut-forest', 1, 1000),
      'random-cut-forest',
      await randomCutForest(1000),
    ),
  'half-space-trees/bytes-per-series': bytesPerSeries,
}

const windowSamples = 250

function forestOf(features: number) {
  return growForest({ trees: 25, height: 8, limits: unitLimits(features), seed: 1 })
}

function samplesPerSecond(bench: string, features: number, series: number): Figure {
  const forest = forestOf(features)
  const masses = createMasses(forest, windowSamples)
  reserveMasses(masses, series - 1)
  const leaves = new Uint16Array(forest.trees)
  const random = createPythonRandom(2)
  const points = Array.from({ length: 4096 }, (_, i) =>
    Float64Array.from({ length: features }, () => 0.5 + 0.3 * Math.sin(i / 40) + 0.1 * (random() - 0.5)),
  )
  let sum = 0
  let slot = 0
  const batch = () => {
    for (const point of points) {
      locate(forest, point, leaves)
      sum += score(masses, slot, leaves)
      learn(masses, slot, leaves)
      slot = slot + 1 === series ? 0 : slot + 1
    }
    return points.length
  }
  for (let warm = 0; warm < 2 * windowSamples * series; ) warm += batch()
  const value = callsPerCpuSecond(batch)
  if (!(sum > 0)) throw new Error('nothing was scored')
  return { bench, value: Math.round(value), unit: 'samples/s' }
}

/** What a series keeps; the forest is shared. */
function bytesPerSeries(): Figure {
  const masses = createMasses(forestOf(1), windowSamples)
  reserveMasses(masses, 0)
  const value = [...massViews(masses, 0)].reduce((sum, { byteLength }) => sum + byteLength, 0)
  return { bench: 'half-space-trees/bytes-per-series', value, unit: 'bytes' }
}

const testing = (file: string) => fileURLToPath(new URL(`../testing/${file}`, import.meta.url))

async function river(features: number): Promise<number | undefined> {
  const packages = ['river==0.26.1']
  const args = ['half-space-trees', String(features)]
  return (await runPythonPeer<Speed>({ name: 'river', packages, script: testing('river_speed.py'), args }))?.samplesPerSecond
}

async function moa(features: number, series: number): Promise<number | undefined> {
  const jar = {
    coordinates: 'nz.ac.waikato.cms.moa:moa:2024.07.0',
    bytes: 2953350,
    sha256: 'e836320714ad3bb0fde77bf9c798f770ce4f2c1d3e9cd7579ed2ac6f63ce4434',
  }
  const args = [String(features), String(series)]
  return (await runJavaPeer<Speed>({ name: 'moa', jars: [jar], source: testing('MoaSpeed.java'), args }))?.samplesPerSecond
}

async function randomCutForest(series: number): Promise<number | undefined> {
  const jar = {
    coordinates: 'software.amazon.randomcutforest:randomcutforest-core:4.3.0',
    bytes: 321645,
    sha256: '7f43f12ceb2d2b137ccdf5b6277432b9266d2ddec51a765b9ed89c9f12a678f4',
  }
  const peer = { name: 'random-cut-forest', jars: [jar], source: testing('RcfSpeed.java'), args: [String(series)] }
  return (await runJavaPeer<Speed>(peer))?.samplesPerSecond
}

interface Speed {
  readonly samplesPerSecond: number
}
