/** What the page says of a training in hand and of those that are planned. Pure. */
import type { ModelView, NextRun } from '../api-model.ts'
import { formatDuration, formatTime } from './format.ts'

export type Progress = NonNullable<ModelView['progress']>

/** A trainer writes down how far it is every second while it trains; after this it has died or hangs, and the figure is old. */
const staleMs = 30_000

/** `42 %, 3 min left`; `42 % at 14:02:11` once nothing has been heard for a while. */
export function progressText({ share, leftMs, atMs }: Progress, nowMs: number): string {
  const percent = `${Math.floor(share * 100)} %`
  if (nowMs - atMs > staleMs) return `${percent} at ${formatTime(atMs, nowMs)}`
  return leftMs === null ? percent : `${percent}, ${formatDuration(leftMs)} left`
}

/** `in 3 h`, with what has to come before; what is due waits for a trainer. */
export function whenText({ atMs, by }: NextRun, nowMs: number): string {
  if (atMs <= nowMs) return by === 'schedule' ? 'due' : 'as soon as a trainer is free'
  return `in ${formatDuration(atMs - nowMs)}`
}
