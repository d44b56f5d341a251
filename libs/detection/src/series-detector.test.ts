import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DetectionPolicy } from './detection-policy.ts'
import { episodeFields, severityOf } from './episode.ts'
import { createRandom } from './random.ts'
import { SeriesDetector } from './series-detector.ts'
import { warmUpSamples } from './series-row.ts'
import { contributionNames } from './verdict.ts'

const options = { windowMs: 3_600_000, contamination: 0.01, falseAlarmsPerWeek: 1, timeZone: 'UTC', seed: 1 }
const stepMs = 15_000

/** Feeds values one step apart and returns what was said of each. */
function run(values: readonly number[], detector = new SeriesDetector(options), live = true) {
  return values.map((value, i) => {
    detector.update(0, { timestampMs: (i + 1) * stepMs, value, imputed: false, stale: false, stepMs, live })
    return { ...detector.verdict, contributions: detector.verdict.contributions.slice() }
  })
}

function sampleAt(timestampMs: number, value: number) {
  return { timestampMs, value, imputed: false, stale: false, stepMs, live: true }
}

function noisy(count: number, seed = 5): number[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => 10 + random() + random() - 1)
}

describe('series detector', () => {
  test('scores 0 with no confidence until it is warm, then says so', () => {
    const verdicts = run(noisy(warmUpSamples + 1))
    expect(
      verdicts
        .slice(0, warmUpSamples)
        .every(({ score, confidence, state }) => score === 0 && confidence === 0 && state === 'warming'),
    ).toBe(true)
    expect(verdicts.at(-1)?.state).toBe('ok')
    expect(verdicts[warmUpSamples / 2]?.stateDetail).toBeCloseTo(0.5, 1)
  })

  test('a level shift opens one episode within two samples and becomes the new normal', () => {
    const verdicts = run([...noisy(400), ...noisy(600).map((value) => value + 20)])
    const transitions = verdicts.map(({ transition }, i) => ({ transition, i })).filter(({ transition }) => transition !== 'none')
    expect(transitions[0]).toEqual({ transition: 'opened', i: 400 })
    expect(transitions.filter(({ transition }) => transition === 'opened')).toHaveLength(1)
    expect(transitions.at(-1)?.transition).toBe('resolved')
    expect(verdicts.at(-1)?.expected).toBeCloseTo(30, 0)
  })

  test('a disturbance of ten samples opens and resolves, and the band does not learn it', () => {
    const verdicts = run([...noisy(400), ...Array(10).fill(30), ...noisy(50, 6)])
    expect(verdicts.filter(({ transition }) => transition === 'opened')).toHaveLength(1)
    expect(verdicts.filter(({ transition }) => transition === 'resolved')).toHaveLength(1)
    expect(verdicts[411]?.expected).toBeCloseTo(10, 0)
    expect(verdicts[411]?.upper).toBeLessThan(16)
  })

  test('severity rises with the length of an episode', () => {
    const detector = new SeriesDetector(options)
    run([...noisy(400), ...Array(6).fill(60)], detector)
    expect(severityOf(detector.episode(0))).toBe('critical')
    expect(detector.episode(0)[episodeFields.startedAtMs]).toBe(401 * stepMs)
  })

  test('is silent on noise', () => {
    const opened = [1, 2, 3, 4, 5].flatMap((seed) => run(noisy(2000, seed)).filter(({ transition }) => transition === 'opened'))
    expect(opened).toEqual([])
  })

  test('history is learned and never opens an episode', () => {
    const verdicts = run([...noisy(400), ...Array(5).fill(90)], new SeriesDetector(options), false)
    expect(verdicts[400]?.score).toBeGreaterThan(1)
    expect(verdicts.every(({ transition }) => transition === 'none')).toBe(true)
  })

  test('reasons sum to one, and the band holds the expectation', () => {
    for (const verdict of run([...noisy(300), 50])) {
      const sum = verdict.contributions.reduce((total, share) => total + share, 0)
      expect(verdict.score > 0 ? Math.abs(sum - 1) < 1e-9 : sum === 0).toBe(true)
      expect(verdict.lower).toBeLessThanOrEqual(verdict.expected)
      expect(verdict.upper).toBeGreaterThanOrEqual(verdict.expected)
    }
  })

  test('a value that is ordinary at another hour is off because of the season, a value that is ordinary at none is not', () => {
    const reasonsOf = (value: number) => {
      const detector = new SeriesDetector(options)
      const random = createRandom(31)
      const minuteMs = 60_000
      const night = 10 * 1440
      for (let minute = 0; minute < night; minute++) {
        const usual = 50 - 30 * Math.cos((2 * Math.PI * minute) / 1440) + random()
        detector.update(0, { ...sampleAt((minute + 1) * minuteMs, usual), stepMs: minuteMs })
      }
      detector.update(0, { ...sampleAt((night + 1) * minuteMs, value), stepMs: minuteMs })
      expect(detector.verdict.score).toBeGreaterThan(1)
      return Object.fromEntries(contributionNames.map((name, i) => [name, detector.verdict.contributions[i]!]))
    }
    const ofDay = reasonsOf(60)
    expect(ofDay.season).toBeGreaterThan(5 * ofDay.spike!)
    const ofNoHour = reasonsOf(-60)
    expect(ofNoHour.spike).toBeGreaterThan(5 * ofNoHour.season!)
  })

  test('a repeated or older sample changes nothing', () => {
    const detector = new SeriesDetector(options)
    run(noisy(200), detector)
    const before = detector.snapshot(0)
    expect(detector.update(0, { timestampMs: 200 * stepMs, value: 99, imputed: false, stale: false, stepMs, live: true })).toBe(
      false,
    )
    expect(detector.snapshot(0)).toEqual(before)
  })

  test('a staleness marker makes the series silent and ends its episode', () => {
    const detector = new SeriesDetector(options)
    run([...noisy(400), 90, 90], detector)
    detector.update(0, { timestampMs: 500 * stepMs, value: Number.NaN, imputed: false, stale: true, stepMs, live: true })
    expect(detector.verdict).toMatchObject({ state: 'silent', stateDetail: 500 * stepMs, transition: 'resolved', score: 0 })
  })

  test('the scale of a metric does not matter', () => {
    const values = [...noisy(300), 25, 26, ...noisy(20)]
    const scores = run(values).map(({ score }) => score)
    const scaled = run(values.map((value) => 1000 * value)).map(({ score }) => score)
    scaled.forEach((score, i) => {
      expect(score).toBeCloseTo(scores[i]!, 3)
    })
  })

  test('no finite input makes a number that is not one', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 300 }), (values) => {
        for (const { score, expected, lower, upper, confidence } of run(values)) {
          for (const number of [score, expected, lower, upper, confidence]) expect(Number.isNaN(number)).toBe(false)
        }
      }),
    )
  })

  test('a restored series continues bit for bit, in another slot of another detector', () => {
    const random = createRandom(11)
    const values = Array.from({ length: 900 }, (_, i) => 10 + 3 * Math.sin(i / 30) + random() + (i === 700 ? 40 : 0))
    const whole = new SeriesDetector(options)
    const verdicts = run(values, whole)
    const before = new SeriesDetector(options)
    run(values.slice(0, 650), before)
    const after = new SeriesDetector(options)
    after.restore(100, before.snapshot(0))
    values.slice(650).forEach((value, i) => {
      after.update(100, { timestampMs: (650 + i + 1) * stepMs, value, imputed: false, stale: false, stepMs, live: true })
      expect(after.verdict).toEqual(verdicts[650 + i])
    })
    expect(after.snapshot(100)).toEqual(whole.snapshot(0))
    expect(whole.snapshot(0).length).toBeLessThan(11_000)
  })

  test.each([1, 2])('a snapshot of version %i loads for ever, and its series goes on', (version) => {
    const bytes = readFileSync(new URL(`../test/golden/series-detector.v${version}.bin`, import.meta.url))
    const detector = new SeriesDetector(options)
    detector.restore(3, bytes, version)
    expect(severityOf(detector.episode(3))).toBe('warning')
    expect(detector.episode(3)[episodeFields.startedAtMs]).toBe(1_700_209_400_000)
    const random = createRandom(22)
    const value = (i: number) => 50 + 10 * Math.sin(i / 45.84) + random() * 3
    const told = Array.from({ length: 300 }, (_, i) => {
      detector.update(3, { ...sampleAt(1.7e12 + (700 + i) * 300_000, value(700 + i)), stepMs: 300_000 })
      return detector.verdict.transition
    })
    expect(told.find((transition) => transition !== 'none')).toBe('resolved')
    expect(Math.abs(detector.verdict.expected - 50)).toBeLessThan(15)
    expect(() => new SeriesDetector(options).restore(0, bytes.subarray(0, 5000), version)).toThrow(RangeError)
  })

  test('a series that is silent for longer than usual opens an episode of silence, which its return ends', () => {
    const detector = new SeriesDetector(options)
    run(noisy(400), detector)
    const toldAt = Array.from({ length: 20 }, (_, i) => i + 1).find((missed) => detector.tick(0, (400 + missed) * stepMs))
    expect(toldAt).toBe(4)
    expect(detector.verdict).toMatchObject({ state: 'silent', stateDetail: 400 * stepMs, transition: 'opened' })
    expect(detector.verdict.contributions[contributionNames.indexOf('silence')]).toBe(1)
    expect(severityOf(detector.episode(0))).toBe('warning')
    expect(detector.tick(0, 430 * stepMs)).toBe(false)
    const back = Array.from({ length: 4 }, (_, i) => {
      detector.update(0, sampleAt((431 + i) * stepMs, 10))
      return detector.verdict.transition
    })
    expect(back).toContain('resolved')
  })

  test('a line that stands still is told, but not of a series that often does', () => {
    const still = run([...noisy(400), ...Array(30).fill(10.2)])
    const told = still.find(({ transition }) => transition === 'opened')!
    expect(told.contributions[contributionNames.indexOf('flatline')]).toBeGreaterThan(0.5)
    const steps = Array.from({ length: 800 }, (_, i) => Math.floor(i / 100) % 2)
    expect(run(steps.map((value) => 10 + value / 4)).some(({ transition }) => transition === 'opened')).toBe(false)
  })

  test('the reading of a counter is watched as a rate: a reset is nothing, a storm of them is told', () => {
    const detector = new SeriesDetector(options)
    const random = createRandom(9)
    let reading = 0
    const told = Array.from({ length: 700 }, (_, i) => {
      reading = i === 500 || (i > 600 && i % 5 === 0) ? 20 : reading + 150 * (0.9 + 0.2 * random())
      detector.update(0, { ...sampleAt((i + 1) * stepMs, reading), isCounter: true })
      return detector.verdict.transition === 'opened' ? i : -1
    }).filter((i) => i >= 0)
    expect(detector.verdict.expected).toBeGreaterThan(5)
    expect(detector.verdict.expected).toBeLessThan(12)
    expect(told.filter((i) => i < 600)).toEqual([])
    expect(told.length).toBe(1)
  })

  test('a nightly dip that stays out is recorded within the hour and notifies nobody; one that comes some minutes late is nothing', () => {
    const random = createRandom(17)
    const minuteMs = 60_000
    const detector = new SeriesDetector(options)
    const told: string[] = []
    for (let day = 0; day < 20; day++) {
      const dipAt = 130 + Math.round(8 * random()) + (day === 18 ? 8 : 0)
      for (let minute = 0; minute < 1440; minute++) {
        const isDip = day < 19 && minute >= dipAt && minute < dipAt + 45
        // The day is noisier than the night: as a level, what is missing drowns in it.
        const noise = minute < 360 ? 2 * random() : 60 * random() * random()
        const value = (minute < 360 ? 40 : 130) * (isDip ? 0.3 : 1) + noise
        detector.update(0, { ...sampleAt((day * 1440 + minute + 1) * minuteMs, value), stepMs: minuteMs })
        if (day < 17 || detector.verdict.transition !== 'opened') continue
        const shares = detector.verdict.contributions
        told.push(`${day} ${contributionNames[shares.indexOf(Math.max(...shares))]} ${severityOf(detector.episode(0))}`)
        expect(minute - dipAt).toBeLessThan(60)
      }
    }
    expect(told).toEqual(['19 season info'])
  })

  test('a policy says which way and how far a value must go to matter', () => {
    const told = (value: number, policy: DetectionPolicy) => {
      const detector = new SeriesDetector(options)
      return [...noisy(400), value].some((one, i) => {
        detector.update(0, { ...sampleAt((i + 1) * stepMs, one), policy })
        return i === 400 && detector.verdict.transition === 'opened'
      })
    }
    const both: DetectionPolicy = { direction: 'both', minDeviation: 0, minRelativeDeviation: 0 }
    expect([told(40, both), told(-20, both)]).toEqual([true, true])
    expect([told(40, { ...both, direction: 'up' }), told(-20, { ...both, direction: 'up' })]).toEqual([true, false])
    expect(told(40, { ...both, minDeviation: 50 })).toBe(false)
    expect(told(40, { ...both, minRelativeDeviation: 5 })).toBe(false)
  })

  test('fewer false alarms wanted, fewer episodes opened', () => {
    const random = createRandom(12)
    const bursty = Array.from({ length: 6000 }, () => 10 - 3 * Math.log(1 - random()) * (random() < 0.02 ? 6 : 1))
    const opened = (falseAlarmsPerWeek: number) => {
      const detector = new SeriesDetector({ ...options, falseAlarmsPerWeek })
      return bursty.filter((value, i) => {
        detector.update(0, { ...sampleAt((i + 1) * 300_000, value), stepMs: 300_000 })
        return detector.verdict.transition === 'opened'
      }).length
    }
    expect(opened(0.1)).toBeLessThan(opened(1))
    expect(opened(1)).toBeLessThanOrEqual(opened(3))
  })

  test('a snapshot tells whether the series has been below zero', () => {
    const tellsNegative = (values: readonly number[]) => {
      const [before, after] = [new SeriesDetector(options), new SeriesDetector(options)]
      run(values, before)
      after.restore(7, before.snapshot(0))
      after.update(7, sampleAt(1_000 * stepMs, 3))
      return after.verdict.wasNegative
    }
    expect([tellsNegative([1, 0, 2]), tellsNegative([1, -0.5, 2])]).toEqual([false, true])
  })

  test('a snapshot of another length is refused', () => {
    const detector = new SeriesDetector(options)
    run(noisy(300), detector)
    const bytes = detector.snapshot(0)
    expect(() => new SeriesDetector(options).restore(0, bytes.subarray(1))).toThrow(RangeError)
    expect(() => new SeriesDetector(options).restore(0, Buffer.concat([bytes, Buffer.from([0])]))).toThrow(RangeError)
  })
})
