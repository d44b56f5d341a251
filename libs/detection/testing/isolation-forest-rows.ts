/** The rows of `isolation_forest_peer.py`: two round clouds, and rows from the whole box around them; the unusual rows come last. */
import type { Table } from '../src/batch-model.ts'
import { createPythonRandom } from '../src/python-random.ts'

export interface CloudShape {
  readonly seed: number
  readonly usual: number
  readonly unusual: number
  readonly channels: number
}

export function cloudTable({ seed, usual, unusual, channels }: CloudShape): Table {
  const random = createPythonRandom(seed)
  const values = new Float64Array((usual + unusual) * channels)
  for (let at = 0; at < usual * channels; at++) {
    const centre = Math.floor(at / channels) % 3 === 0 ? 1 : -1
    values[at] = centre + (random() + random() + random() + random()) - 2
  }
  for (let at = usual * channels; at < values.length; at++) values[at] = 8 * random() - 4
  return { channels, values }
}
