/** Scores that change must change their version: the digest of some series' scores, states and episodes is known per version. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { faultKinds, SimulatedSeries, seriesKindFor, stepMs } from '../testing/simulated-series.ts'
import { SeriesDetector, scoresVersion } from './series-detector.ts'

const dayMinutes = 1440

/** The 18th day brings the fault, when everything has begun to speak. Numbers are rounded, so that the last bit of a logarithm of another runtime does not count. */
function digestOfScores(): string {
  const digest = createHash('sha256')
  faultKinds.forEach((kind, i) => {
    const fault = { kind, startMinute: 17 * dayMinutes }
    const series = new SimulatedSeries({ kind: seriesKindFor(kind, i), seed: 40 + i, fault })
    const detector = new SeriesDetector({
      windowMs: 3_600_000,
      contamination: 0.01,
      falseAlarmsPerWeek: 1,
      timeZone: 'Europe/Berlin',
      seed: 1,
    })
    const { verdict } = detector
    const sample = { timestampMs: 0, value: 0, imputed: false, stale: false, stepMs, live: true, isCounter: series.isCounter }
    for (let minute = 0; minute < 18 * dayMinutes; minute++) {
      const isScraped = series.next()
      sample.timestampMs = series.timestampMs
      sample.value = series.value
      if (isScraped) detector.update(0, sample)
      else detector.tick(0, series.timestampMs)
      const numbers = [verdict.score, verdict.expected, verdict.lower, verdict.upper, verdict.confidence]
      digest.update(`${numbers.map((number) => number.toPrecision(5)).join()},${verdict.state},${verdict.transition}\n`)
    }
  })
  return digest.digest('hex').slice(0, 16)
}

test('scores that change have another version', () => {
  expect({ scoresVersion, digest: digestOfScores() }).toEqual({ scoresVersion: 6, digest: 'e0a1131cacde01e2' })
})
