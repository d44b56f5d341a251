/** The seeded streams of `write_river_drift_detectors.py`: the same numbers in both languages, so golden files need not hold them. */
import { createPythonRandom } from '../src/python-random.ts'

/** Uniform in [low, high), or 1 with probability `chance` and else 0. */
export type StreamPart = { readonly samples: number } & (
  | { readonly low: number; readonly high: number }
  | { readonly chance: number }
)

export function* streamOf(seed: number, parts: readonly StreamPart[]): Generator<number> {
  const random = createPythonRandom(seed)
  for (const part of parts) {
    for (let i = 0; i < part.samples; i++) {
      yield 'chance' in part ? Number(random() < part.chance) : part.low + (part.high - part.low) * random()
    }
  }
}
