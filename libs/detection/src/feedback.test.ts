import type { EpisodeSignature, Reason } from '@lapwing/contracts/records'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EpisodeTransition, Severity } from './episode.ts'
import {
  decodeFeedback,
  type EpisodeSample,
  encodeFeedback,
  follow,
  isLike,
  mostVerdicts,
  noFeedback,
  type SeriesFeedback,
  type Told,
  type Verdict,
  withoutVerdict,
  withVerdict,
} from './feedback.ts'

const level: readonly Reason[] = [
  { name: 'level', share: 0.6 },
  { name: 'change', share: 0.4 },
]
const hourMs = 3_600_000

/** The samples of one episode: opens, goes on, ends; deviations of 10 units of the metric a half-width. */
function episode(
  startedAtMs: number,
  deviations: readonly number[],
  reasons = level,
  severity: Severity = 'critical',
): EpisodeSample[] {
  const sample = (at: number, transition: EpisodeTransition, size: number): EpisodeSample => ({
    timestampMs: startedAtMs + at * 15_000,
    transition,
    startedAtMs,
    severity,
    isAnomalous: size !== 0,
    deviations: size,
    excursion: 10 * size,
    reasons,
  })
  return [
    ...deviations.map((size, at) => sample(at, at === 0 ? 'opened' : 'none', size)),
    sample(deviations.length, 'resolved', 0),
  ]
}

function run(state: SeriesFeedback, samples: readonly EpisodeSample[]): { state: SeriesFeedback; told: Told[] } {
  const told: Told[] = []
  for (const sample of samples) {
    const next = follow(state, sample)
    state = next.state
    told.push(next.told)
  }
  return { state, told }
}

const texts = (told: readonly Told[]) =>
  told.filter(({ transition }) => transition !== 'none').map(({ transition, severity }) => `${transition} ${severity}`)

/** The verdict that a person would give on the episode, all of it known. */
function verdictOn(samples: readonly EpisodeSample[], differences: Partial<Verdict> = {}): Verdict {
  const { signature } = run(noFeedback, samples).told.at(-1)!
  const { startedAtMs } = samples[0]!
  const names = { anomalyId: `anomaly ${startedAtMs}`, episodeId: `episode ${startedAtMs}` }
  return { verdict: 'false_alarm', ...names, startedAtMs, untilMs: null, signature, ...differences }
}

const spike = episode(hourMs, [4, 6, 5])
const judged = withVerdict(noFeedback, verdictOn(spike))

describe('without a verdict', () => {
  test('what the detector says is told as it is', () => {
    const { state, told } = run(noFeedback, spike)
    expect(texts(told)).toEqual(['opened critical', 'resolved critical'])
    expect(told.map(({ suppressedBy }) => suppressedBy)).toEqual([undefined, undefined, undefined, undefined])
    expect(state).toEqual(noFeedback)
  })

  test('the signature says where it opened, how far it went and how long', () => {
    const { signature } = run(noFeedback, episode(hourMs, [4, 6, -5])).told.at(-1)!
    const expected = {
      openingDeviations: 4,
      upDeviations: 6,
      downDeviations: 5,
      upExcursion: 60,
      downExcursion: 50,
      anomalousSamples: 3,
    }
    expect(signature).toMatchObject(expected)
  })

  test('an episode that was open before anything was kept is passed on', () => {
    expect(texts(run(noFeedback, spike.slice(1)).told)).toEqual(['resolved critical'])
  })
})

describe('a false alarm', () => {
  test('does not come again: the same episode is told at info, with the verdict', () => {
    const { told } = run(judged, episode(5 * hourMs, [4, 6, 5]))
    expect(texts(told)).toEqual(['opened info', 'resolved info'])
    expect(told[0]!.suppressedBy?.verdict).toBe('false_alarm')
  })

  test.each([
    ['half as large', [3, 4], true],
    ['a little larger', [5, 8], true],
    ['clearly larger from the start', [12], false],
    ['to the other side', [-4, -6], false],
    ['clearly smaller', [1.1], false],
  ])('an episode %s: covered %s', (_, deviations, isCovered) => {
    expect(run(judged, episode(5 * hourMs, deviations)).told[0]!.severity).toBe(isCovered ? 'info' : 'critical')
  })

  test('one that opens alike and grows clearly larger escalates when it does', () => {
    const { told } = run(judged, episode(5 * hourMs, [4, 6, 30, 30]))
    expect(texts(told)).toEqual(['opened info', 'escalated critical', 'resolved critical'])
    expect(told.findIndex(({ transition }) => transition === 'escalated')).toBe(2)
  })

  test('one that lasts clearly longer escalates', () => {
    const { told } = run(judged, episode(5 * hourMs, Array(40).fill(5)))
    expect(told.findIndex(({ transition }) => transition === 'escalated')).toBe(15)
  })

  test('one for other reasons is told', () => {
    const flat = episode(5 * hourMs, [4, 6], [{ name: 'flatline', share: 1 }])
    expect(run(judged, flat).told[0]!.severity).toBe('critical')
  })

  test('the same spike is covered on a series whose band has narrowed since', () => {
    const narrow = episode(5 * hourMs, [4, 6, 5]).map((sample) => ({ ...sample, deviations: 4 * sample.deviations }))
    expect(texts(run(judged, narrow).told)).toEqual(['opened info', 'resolved info'])
  })

  test('given while the episode is open, holds for the rest of it and then knows the whole', () => {
    const long = episode(hourMs, Array(60).fill(5))
    const first = run(noFeedback, long.slice(0, 3))
    const verdict = { ...verdictOn(long), signature: first.told.at(-1)!.signature }
    const rest = run(withVerdict(first.state, verdict), long.slice(3))
    expect(texts(rest.told)).toEqual(['resolved critical'])
    expect(rest.told[0]!.suppressedBy?.verdict).toBe('false_alarm')
    expect(texts(run(rest.state, episode(5 * hourMs, Array(60).fill(5))).told)).toEqual(['opened info', 'resolved info'])
  })
})

describe('a verdict for a time', () => {
  const until = withVerdict(noFeedback, verdictOn(spike, { verdict: 'expected', untilMs: 6 * hourMs }))

  test('holds until then', () => {
    expect(run(until, episode(5 * hourMs, [4, 6, 5])).told[0]!.severity).toBe('info')
    expect(run(until, episode(6 * hourMs, [4, 6, 5])).told[0]!.severity).toBe('critical')
  })

  test('that runs out while an episode is open lets it be told', () => {
    expect(texts(run(until, episode(6 * hourMs - 15_000, [4, 6, 5])).told)).toEqual([
      'opened info',
      'escalated critical',
      'resolved critical',
    ])
  })
})

describe('a verdict that is taken back', () => {
  test('in the middle of an episode lets it be told', () => {
    const again = episode(5 * hourMs, [4, 6, 5])
    const { state } = run(judged, again.slice(0, 2))
    const undone = withoutVerdict(state, { anomalyId: `anomaly ${hourMs}` })
    expect(texts(run(undone, again.slice(2)).told)).toEqual(['escalated critical', 'resolved critical'])
  })

  test('makes room for another on the same episode', () => {
    const state = withVerdict(judged, verdictOn(spike, { anomalyId: 'another record of it', verdict: 'known' }))
    expect(state.verdicts.map(({ verdict }) => verdict)).toEqual(['known'])
  })
})

const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }).map((weights): Reason[] => {
  const sum = weights.reduce((a, b) => a + b, 0) || 1
  return ['level', 'change', 'novelty'].map((name, i) => ({ name, share: weights[i]! / sum }))
})
const sizes = fc.array(fc.double({ min: -40, max: 40, noNaN: true }), { minLength: 1, maxLength: 30 })
const anyEpisode = fc.tuple(sizes, shares, fc.constantFrom<Severity>('info', 'warning', 'critical')).map(
  ([deviations, reasons, severity]) =>
    (startedAtMs: number) =>
      episode(startedAtMs, deviations, reasons, severity),
)
const lastSignature = (samples: readonly EpisodeSample[]): EpisodeSignature => run(noFeedback, samples).told.at(-1)!.signature!

describe('whatever the episodes', () => {
  test('one that was called a false alarm does not come again, bit for bit the same', () => {
    fc.assert(
      fc.property(anyEpisode, (make) => {
        const state = withVerdict(noFeedback, verdictOn(make(hourMs)))
        for (const { severity } of run(state, make(9 * hourMs)).told) expect(severity).toBe('info')
      }),
    )
  })

  test('a clearly larger one, or one to the other side, is told as severe as it is', () => {
    fc.assert(
      fc.property(anyEpisode, anyEpisode, (one, other) => {
        const first = lastSignature(one(hourMs))
        const samples = other(9 * hourMs)
        const second = lastSignature(samples)
        const isLarger =
          second.upDeviations > 1.5 * Math.max(first.upDeviations, 1) && second.upExcursion > 1.5 * first.upExcursion
        const turns =
          first.openingDeviations * second.openingDeviations < 0 &&
          Math.min(Math.abs(first.openingDeviations), Math.abs(second.openingDeviations)) >= 0.5
        const { told } = run(withVerdict(noFeedback, verdictOn(one(hourMs))), samples)
        if (isLarger || turns) expect(told.at(-1)!.severity).toBe(samples.at(-1)!.severity)
      }),
    )
  })

  test('taken back, everything is as if it had never been given', () => {
    fc.assert(
      fc.property(fc.array(anyEpisode, { minLength: 2, maxLength: 6 }), fc.nat(4), (makes, judgedAt) => {
        const runs = makes.map((make, i) => make((i + 1) * 9 * hourMs))
        const at = Math.min(judgedAt, runs.length - 2)
        const before = run(noFeedback, runs.slice(0, at + 1).flat()).state
        const verdict = verdictOn(runs[at]!)
        const between = run(withVerdict(before, verdict), runs[at + 1]!).state
        const undone = withoutVerdict(between, verdict)
        const plain = run(before, runs[at + 1]!).state
        expect(encodeFeedback(undone)).toEqual(encodeFeedback(plain))
        const later = runs.slice(at + 2).flat()
        expect(run(undone, later)).toEqual(run(plain, later))
      }),
    )
  })

  test('restored is continued', () => {
    fc.assert(
      fc.property(fc.array(anyEpisode, { minLength: 1, maxLength: 4 }), fc.nat(100), (makes, cut) => {
        const samples = makes.flatMap((make, i) => make((i + 2) * 9 * hourMs))
        const at = Math.min(cut, samples.length)
        const { state } = run(judged, samples.slice(0, at))
        const restored = decodeFeedback(encodeFeedback(state))
        expect(run(restored, samples.slice(at))).toEqual(run(state, samples.slice(at)))
      }),
    )
  })

  test('every episode is like itself', () => {
    fc.assert(
      fc.property(anyEpisode, (make) => {
        const signature = lastSignature(make(hourMs))
        expect([signature, isLike(signature, lastSignature(make(9 * hourMs)))]).toEqual([signature, true])
      }),
    )
  })
})

describe('what is kept', () => {
  test('is bounded: the oldest verdict goes', () => {
    const verdicts = Array.from({ length: mostVerdicts + 2 }, (_, i) => verdictOn(episode((i + 1) * hourMs, [5])))
    const state = verdicts.reduce(withVerdict, noFeedback)
    expect(state.verdicts).toEqual(verdicts.slice(2))
    expect(encodeFeedback(state).length).toBeLessThan(mostVerdicts * 600)
  })

  test.each([
    ['nothing', ''],
    ['another layout', '{"layout":2,"verdicts":[]}'],
    ['no verdicts', '{"layout":1}'],
    ['half', '{"layout":1,'],
  ])('bytes of %s are refused', (_, text) => {
    expect(() => decodeFeedback(new TextEncoder().encode(text))).toThrow(RangeError)
  })
})
