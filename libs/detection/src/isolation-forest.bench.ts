/** Isolation forest on one core beside scikit-learn's: 20,000 rows of 8 channels, 100 trees of 256 rows. */
import { fileURLToPath } from 'node:url'
import { type Benches, callsPerCpuSecond } from '../../../bench/figure.ts'
import { besides } from '../../../bench/peer.ts'
import { runPythonPeer } from '../../../bench/python-peer.ts'
import { cloudTable } from '../testing/isolation-forest-rows.ts'
import { fitIsolationForest, usualIsolationForest } from './isolation-forest.ts'

export const benches: Benches = {
  'isolation-forest/fit': async () => {
    const table = cloudTable(shape)
    const value = callsPerCpuSecond(() => {
      if (fitIsolationForest(table, usualIsolationForest).channels !== shape.channels) throw new Error('nothing was fitted')
      return rows
    })
    return besides(
      { bench: 'isolation-forest/fit', value: Math.round(value), unit: 'rows/s' },
      peer,
      (await peerSpeed())?.fitRowsPerSecond,
    )
  },
  'isolation-forest/score': async () => {
    const { channels, values } = cloudTable(shape)
    const forest = fitIsolationForest({ channels, values }, usualIsolationForest)
    const shares = new Float64Array(channels)
    const points = Array.from({ length: rows }, (_, row) => values.slice(row * channels, (row + 1) * channels))
    let sum = 0
    const value = callsPerCpuSecond(() => {
      for (const point of points) sum += forest.score(point, shares)
      return rows
    })
    if (!(sum > 0)) throw new Error('nothing was scored')
    return besides(
      { bench: 'isolation-forest/score', value: Math.round(value), unit: 'rows/s' },
      peer,
      (await peerSpeed())?.scoreRowsPerSecond,
    )
  },
}

const shape = { seed: 1, usual: 19_000, unusual: 1000, channels: 8 }
const rows = shape.usual + shape.unusual
const peer = 'scikit-learn'

interface PeerSpeed {
  readonly fitRowsPerSecond: number
  readonly scoreRowsPerSecond: number
}

let measured: Promise<PeerSpeed | undefined> | undefined

/** Both figures come from one run. */
function peerSpeed(): Promise<PeerSpeed | undefined> {
  measured ??= runPythonPeer<PeerSpeed>({
    name: peer,
    packages: ['scikit-learn==1.9.1'],
    script: fileURLToPath(new URL('../testing/isolation_forest_peer.py', import.meta.url)),
    args: ['speed'],
  })
  return measured
}
