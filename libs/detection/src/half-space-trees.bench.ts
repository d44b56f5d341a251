/** Half-space trees on one core: score and learn each sample. 25 trees, height 8, window 250, as the peers are measured. */
import { type Benches, callsPerCpuSecond } from '../../../bench/figure.ts'
import { growForest, locate, unitLimits } from './half-space-forest.ts'
import { createMasses, learn, reserveMasses, score } from './half-space-trees.ts'
import { createRandom } from './random.ts'

export const benches: Benches = {
  'half-space-trees/1-feature': () => figure('half-space-trees/1-feature', 1, 1),
  'half-space-trees/3-features': () => figure('half-space-trees/3-features', 3, 1),
  'half-space-trees/1000-series': () => figure('half-space-trees/1000-series', 1, 1000),
}

function figure(bench: string, features: number, series: number) {
  const forest = growForest({ trees: 25, height: 8, limits: unitLimits(features), seed: 1 })
  const masses = createMasses(forest, 250)
  reserveMasses(masses, series - 1)
  const leaves = new Uint16Array(forest.trees)
  const random = createRandom(2)
  const points = Array.from({ length: 4096 }, (_, i) =>
    Float64Array.from({ length: features }, () => 0.5 + 0.3 * Math.sin(i / 40) + 0.1 * (random() - 0.5)),
  )
  let sum = 0
  let slot = 0
  const value = callsPerCpuSecond(() => {
    for (const point of points) {
      locate(forest, point, leaves)
      sum += score(masses, slot, leaves)
      learn(masses, slot, leaves)
      slot = slot + 1 === series ? 0 : slot + 1
    }
    return points.length
  })
  if (!(sum > 0)) throw new Error('nothing was scored')
  return { bench, value: Math.round(value), unit: 'samples/s' }
}
