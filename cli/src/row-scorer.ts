/** What scores the rows of a table: a trained model on all channels together, or the online detector on each of them. */

import type { TrainedModel } from '@lapwing/deep/model'
import { createMultivariateDetector } from '@lapwing/deep/multivariate-detector'
import { observeEpisode } from '@lapwing/detection/episode'
import { SeriesDetector, type SeriesDetectorOptions } from '@lapwing/detection/series-detector'

export interface RowVerdict {
  score: number
  /** Whether an episode opens on this row: what a person would be told. */
  opened: boolean
  /** Share of each channel; all 0 while there is no score. */
  readonly contributions: Float64Array
}

export interface RowScorer {
  /** Rows in order; the same object each time. */
  score(values: Float64Array): RowVerdict
}

export function modelRowScorer(model: TrainedModel): RowScorer {
  const detector = createMultivariateDetector(model)
  const episode = new Float64Array(episodeColumns)
  const verdict: RowVerdict = { score: 0, opened: false, contributions: detector.contributions }
  let row = 0
  return {
    score: (values) => {
      row++
      const { score, confidence } = detector.update(values)
      const kind = confidence > 0 && values.some(Number.isFinite) ? 'scored' : 'unobserved'
      verdict.score = score
      verdict.opened = observeEpisode(episode, 0, { kind, timestampMs: row, score, confirmed: 0, caution: 1 }) === 'opened'
      return verdict
    },
  }
}

/** The row of a series is wider than its episode; only those columns are used here. */
const episodeColumns = 32

/** Scores of the channels do not add up: the row gets the highest, and an episode opens with the first of any channel. */
export function onlineRowScorer(options: SeriesDetectorOptions, channels: number): RowScorer {
  const detector = new SeriesDetector(options)
  const sample = { timestampMs: 0, value: 0, imputed: false, stale: false, stepMs: 0, live: true }
  const verdict: RowVerdict = { score: 0, opened: false, contributions: new Float64Array(channels) }
  const open = new Set<number>()
  return {
    score: (values) => {
      sample.timestampMs += rowMs
      const wasOpen = open.size > 0
      verdict.contributions.fill(0)
      verdict.score = 0
      for (let channel = 0; channel < channels; channel++) {
        sample.value = values[channel]!
        if (!Number.isFinite(sample.value) || !detector.update(channel, sample)) continue
        const { score, transition } = detector.verdict
        verdict.contributions[channel] = score
        verdict.score = Math.max(verdict.score, score)
        if (transition === 'opened') open.add(channel)
        else if (transition === 'resolved') open.delete(channel)
      }
      verdict.opened = !wasOpen && open.size > 0
      const sum = verdict.contributions.reduce((total, score) => total + score, 0)
      if (sum > 0) for (let channel = 0; channel < channels; channel++) verdict.contributions[channel]! /= sum
      return verdict
    },
  }
}

/** A table has no steps of its own; a minute is what its rows most often are. */
const rowMs = 60_000
