/**
 * Compares a run with what it should be, and says in one sentence each what is wrong.
 *
 * Invariants, by their numbers in every report: I1 nothing acknowledged is lost, and every sample is learned once or counted; I2 scores
 * are bit for bit those of a run without faults; I3 so is the set of anomaly ids, and repetitions on the wire are bounded; I6 the
 * lag is back at 0; I7 memory is bounded; I8 no secret is in any output; `state` is a checkpoint that passes its own checks.
 */
import type { Outcome } from './outcome.ts'

export interface Expectation {
  /** The same input without faults. */
  readonly faultFree: Pick<Outcome, 'learned' | 'anomalies'>
  /** Samples that the sender was told are safe. */
  readonly acknowledged: ReadonlySet<string>
  /** Most score records that may have been written again; undefined where nothing is known of the faults. */
  readonly repeatsBound: number | undefined
}

export interface Verdict {
  readonly samplesIn: number
  readonly learned: number
  readonly differing: number
  readonly anomaliesMissing: number
  readonly anomaliesExtra: number
  readonly repeats: number
  readonly repeatsBound: number | undefined
  /** Empty when everything holds. */
  readonly violations: readonly string[]
}

export function judge(outcome: Outcome, { faultFree, acknowledged, repeatsBound }: Expectation): Verdict {
  const lost = [...acknowledged].filter((id) => !outcome.onTopic.has(id))
  const differing = [...faultFree.learned].filter(([id, bits]) => outcome.learned.get(id) !== bits).map(([id]) => id)
  const unexpected = [...outcome.learned.keys()].filter((id) => !faultFree.learned.has(id))
  const anomaliesMissing = textsBeyond(faultFree.anomalies, outcome.anomalies)
  const anomaliesExtra = textsBeyond(outcome.anomalies, faultFree.anomalies)
  const repeats = outcome.repeatedScores
  return {
    samplesIn: acknowledged.size,
    learned: outcome.learned.size,
    differing: differing.length + unexpected.length + outcome.conflicting.length,
    anomaliesMissing: anomaliesMissing.length,
    anomaliesExtra: anomaliesExtra.length,
    repeats,
    repeatsBound,
    violations: [
      ...told('I1 acknowledged samples are not on the samples topic', lost),
      ...told('I1 sample records have neither scores nor a dead letter', outcome.unanswered),
      ...told('I1 score records of one sample record differ', outcome.conflicting),
      ...told('I2 scores are missing or differ from the run without faults', differing),
      ...told('I2 samples are scored that the run without faults does not have', unexpected),
      ...told('I3 anomalies are missing', anomaliesMissing),
      ...told('I3 anomalies are extra', anomaliesExtra),
      ...(repeats > (repeatsBound ?? repeats)
        ? [`I3 ${repeats} score records were repeated, at most ${repeatsBound} may be`]
        : []),
    ],
  }
}

function textsBeyond(texts: ReadonlyMap<string, string>, others: ReadonlyMap<string, string>): string[] {
  return [...texts].filter(([id]) => !others.has(id)).map(([, text]) => text)
}

/** Nothing when there are none; else how many, and the first few. */
export function told(what: string, which: readonly string[]): string[] {
  return which.length === 0 ? [] : [`${what}: ${which.length} (${which.slice(0, 3).join(', ')}${which.length > 3 ? ', …' : ''})`]
}
