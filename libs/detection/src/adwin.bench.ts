/** ADWIN on one core, on a stream without change: its window is at its longest and no search ends early. */
import { fileURLToPath } from 'node:url'
import { type Benches, callsPerCpuSecond } from '../../../bench/figure.ts'
import { besides } from '../../../bench/peer.ts'
import { runPythonPeer } from '../../../bench/python-peer.ts'
import { Adwin, balancedAdwin } from './adwin.ts'
import { createPythonRandom } from './python-random.ts'

export const benches: Benches = {
  adwin: async () => {
    const random = createPythonRandom(2)
    const values = Array.from({ length: 100_000 }, random)
    const adwin = new Adwin(balancedAdwin)
    const value = callsPerCpuSecond(() => {
      for (const value of values) adwin.update(value)
      return values.length
    })
    const river = await runPythonPeer<{ samplesPerSecond: number }>({
      name: 'river',
      packages: ['river==0.26.1'],
      script: fileURLToPath(new URL('../testing/river_speed.py', import.meta.url)),
      args: ['adwin'],
    })
    return besides({ bench: 'adwin', value: Math.round(value), unit: 'samples/s' }, 'river', river?.samplesPerSecond)
  },
}
