/**
 * How far a training is, as numbers of its version's record on the models topic: whoever reads the log can show a bar and the time left. Pure.
 *
 * A training spends its first moments on reading, so the pace counts from the first share that was told.
 */
import type { Metric, Model } from '@lapwing/contracts/records'

export interface TrainingProgress {
  /** 0 to 1. */
  readonly share: number
  /** Seconds; undefined until there is a pace. */
  readonly leftSeconds: number | undefined
}

/** A share that was told, and when on a monotonic clock. */
export interface ToldShare {
  readonly share: number
  readonly atMs: number
}

/** @param first the first share of this training */
export function progressSince(first: ToldShare, { share, atMs }: ToldShare): TrainingProgress {
  const done = share - first.share
  const leftSeconds = done > 0 ? ((atMs - first.atMs) * (1 - share)) / done / 1000 : undefined
  return { share, leftSeconds }
}

export function progressMetrics({ share, leftSeconds }: TrainingProgress): Metric[] {
  const left = leftSeconds === undefined ? [] : [{ name: leftName, value: leftSeconds }]
  return [{ name: shareName, value: share }, ...left]
}

/** Of a version whose training has told of itself; undefined for others. */
export function progressOf({ state, metrics }: Pick<Model, 'state' | 'metrics'>): TrainingProgress | undefined {
  if (state !== 'requested') return undefined
  const share = metrics.find(({ name }) => name === shareName)?.value
  if (share === undefined) return undefined
  return { share, leftSeconds: metrics.find(({ name }) => name === leftName)?.value }
}

const shareName = 'progress'
const leftName = 'left_seconds'
