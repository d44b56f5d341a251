/**
 * How good the pipeline was at the faults of the canary: what was put in is known, so what was missed is known too, without anybody writing it down.
 *
 * Nobody is told of a canary, so its episodes count whether they were told or not. When it was first there is not on the log: its faults count from the first
 * episode of any canary, and where there is none, nothing is said.
 */
import { canaryMetric, seriesText } from '@lapwing/contracts/series'
import { type Evaluation, evaluate } from '@lapwing/evaluation/accuracy-evaluator'
import { canaryCount, canaryEvents, canaryFaultMs, canaryGraceMs, canaryOf } from '@lapwing/evaluation/canary'
import { type PeriodRecords, recordsWithin } from './period-records.ts'
import { recordedEpisodes } from './recorded-episodes.ts'

/** @param all of any time; undefined where no canary is on the log before the end of the time */
export function canaryAccuracy(all: PeriodRecords, fromMs: number, toMs: number): Evaluation | undefined {
  const ofCanary = all.anomalies.filter(({ labels, startedAtMs }) => canaryOf(labels) !== undefined && startedAtMs < toMs)
  if (ofCanary.length === 0) return undefined
  const firstMs = ofCanary.reduce((least, { startedAtMs }) => Math.min(least, startedAtMs), Number.POSITIVE_INFINITY)
  // The fault that it belongs to began before it.
  const knownFromMs = Math.max(fromMs, firstMs - canaryFaultMs - canaryGraceMs)
  // Two that poll the same canary have a series each, which is found by itself.
  const texts = new Map<number, Set<string>>()
  for (const { labels } of ofCanary) {
    const canary = canaryOf(labels)!
    texts.set(canary, (texts.get(canary) ?? new Set()).add(seriesText(labels)))
  }
  const events = Array.from({ length: canaryCount }, (_, canary) =>
    [...(texts.get(canary) ?? [`${canaryMetric}{canary="${canary}"}`])].flatMap((series) =>
      canaryEvents(canary, series, knownFromMs, toMs),
    ),
  ).flat()
  const own = {
    ...recordsWithin(all, knownFromMs, toMs),
    anomalies: ofCanary.filter(({ startedAtMs }) => startedAtMs >= knownFromMs),
  }
  const truth = { events, toleranceMs: canaryGraceMs }
  return evaluate({ fromMs: knownFromMs, toMs, episodes: recordedEpisodes(own), verdicts: new Map(), truth })
}
