/** What a person can say of an anomaly: the words of the command line, the verdict on the log, and what follows from it. */
import type { Verdict } from '@lapwing/contracts/records'

export interface Saying {
  readonly verdict: Verdict
  /** Whether it holds for a time. */
  readonly time: 'never' | 'possible' | 'needed'
  /** For the help. */
  readonly means: string
  /** What will change, as a sentence; `until` is empty or ` until …`. */
  effect(until: string): string
}

const held = 'Episodes like it on this series are recorded at severity info, and nobody is notified'
const outgrown = 'What is clearly larger, longer or of another kind is told as before.'

export const sayings = {
  'false-alarm': {
    verdict: 'false_alarm',
    time: 'never',
    means: 'nothing was wrong: the same is not told again',
    effect: () => `${held}. ${outgrown}`,
  },
  confirmed: {
    verdict: 'confirmed',
    time: 'never',
    means: 'something was wrong: goes on as it is, and is counted',
    effect: () => 'The detector goes on as it is; any other verdict on this episode no longer holds.',
  },
  expected: {
    verdict: 'expected',
    time: 'needed',
    means: 'planned: the same is not told for the time of --for',
    effect: (until) => `${held}${until}. ${outgrown}`,
  },
  known: {
    verdict: 'known',
    time: 'possible',
    means: 'somebody is at it: the same is not told, for good or for --for',
    effect: (until) => `${held}${until}. ${outgrown}`,
  },
  'new-normal': {
    verdict: 'new_normal',
    time: 'never',
    means: 'the level stays: it is taken for normal at once (while the episode lasts)',
    effect: () =>
      'The level of this series is taken for normal at once, and the episode ends. That is learned: --undo does not unlearn it.',
  },
} as const satisfies Record<string, Saying>
