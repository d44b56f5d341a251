/**
 * The detector on simulated service metrics: how often quiet weeks wake somebody, and how many injected faults are found, how soon.
 *
 * Series are independent, so they run one after the other, each in a detector of its own, and nothing is held but counts.
 */
import { severities, severityOf } from '@lapwing/detection/episode'
import { SeriesDetector, type SeriesDetectorOptions } from '@lapwing/detection/series-detector'
import {
  type FaultKind,
  faultKinds,
  SimulatedSeries,
  type SimulatedSeriesOptions,
  seriesKindFor,
  seriesKinds,
  stepMs,
} from '@lapwing/detection/testing/simulated-series'

/** Episodes of a run, by what they would do. */
export interface QuietResult {
  readonly seriesDays: number
  /** Reached `warning` or more. */
  readonly notifying: number
  readonly opened: number
  /** Share of samples inside of episodes. */
  readonly shareInEpisodes: number
  readonly notifyingByKind: Readonly<Record<string, number>>
}

export interface FaultResult {
  readonly faults: number
  readonly notified: number
  readonly opened: number
  /** Samples from the beginning of the fault to the notification, of kinds that begin at once. */
  readonly abruptDelays: readonly number[]
  readonly byKind: Readonly<Record<FaultKind, { faults: number; notified: number; opened: number }>>
}

export interface SimulationOptions {
  readonly detector: SeriesDetectorOptions
  readonly firstSeed: number
  readonly onProgress: (doneShare: number) => void
}

const dayMinutes = 1440

/** `count` series without fault for `weeks` weeks, counted from the first sample on. */
export function runQuiet({ detector, firstSeed, onProgress }: SimulationOptions, count: number, weeks: number): QuietResult {
  const minutes = weeks * 7 * dayMinutes
  const notifyingByKind: Record<string, number> = {}
  let notifying = 0
  let opened = 0
  let inEpisodes = 0
  for (let i = 0; i < count; i++) {
    const kind = seriesKinds[i % seriesKinds.length]!
    const watch = watchSeries(detector, { kind, seed: firstSeed + i })
    for (let minute = 0; minute < minutes; minute++) {
      const seen = watch.next()
      if (seen.opened) opened++
      if (seen.notified) {
        notifying++
        notifyingByKind[kind] = (notifyingByKind[kind] ?? 0) + 1
      }
      if (seen.inEpisode) inEpisodes++
    }
    onProgress((i + 1) / count)
  }
  return {
    seriesDays: (count * minutes) / dayMinutes,
    notifying,
    opened,
    shareInEpisodes: inEpisodes / (count * minutes),
    notifyingByKind,
  }
}

/** `perKind` faults of each kind, each in a series of its own after three weeks and some days of health. */
export function runFaults({ detector, firstSeed, onProgress }: SimulationOptions, perKind: number): FaultResult {
  const byKind = Object.fromEntries(faultKinds.map((kind) => [kind, { faults: 0, notified: 0, opened: 0 }])) as Record<
    FaultKind,
    { faults: number; notified: number; opened: number }
  >
  const abruptDelays: number[] = []
  const total = faultKinds.length * perKind
  for (let i = 0; i < total; i++) {
    const kind = faultKinds[i % faultKinds.length]!
    const n = Math.floor(i / faultKinds.length)
    const startMinute = 21 * dayMinutes + ((i * 7919) % (5 * dayMinutes))
    const seen = findFault(detector, { kind: seriesKindFor(kind, n), seed: firstSeed + i, fault: { kind, startMinute } })
    byKind[kind].faults++
    if (seen.opened) byKind[kind].opened++
    if (seen.notifiedAfter !== undefined) byKind[kind].notified++
    if (abruptKinds.has(kind) && seen.notifiedAfter !== undefined) abruptDelays.push(seen.notifiedAfter)
    onProgress((i + 1) / total)
  }
  const sum = (of: 'faults' | 'notified' | 'opened') => faultKinds.reduce((all, kind) => all + byKind[kind][of], 0)
  return { faults: sum('faults'), notified: sum('notified'), opened: sum('opened'), abruptDelays, byKind }
}

/** Whether the first minute of the fault already differs clearly from health. */
const abruptKinds = new Set<FaultKind>(['spike', 'level-shift', 'silence'])
/** A fault counts as found until this long after its end. */
const graceMinutes = 15

function findFault(detector: SeriesDetectorOptions, options: SimulatedSeriesOptions) {
  const watch = watchSeries(detector, options)
  const { faultStartMinute, faultEndMinute } = watch.series
  let opened = false
  for (let minute = 0; minute < faultEndMinute + graceMinutes; minute++) {
    const seen = watch.next()
    if (minute < faultStartMinute) continue
    opened ||= seen.opened || seen.notified
    if (seen.notified) return { opened: true, notifiedAfter: minute - faultStartMinute }
  }
  return { opened, notifiedAfter: undefined }
}

/** A minute of a series: whether an episode opened in it, and whether one became worth a notification. */
interface Seen {
  opened: boolean
  notified: boolean
  inEpisode: boolean
}

function watchSeries(options: SeriesDetectorOptions, seriesOptions: SimulatedSeriesOptions) {
  const series = new SimulatedSeries(seriesOptions)
  const detector = new SeriesDetector(options)
  const sample = { timestampMs: 0, value: 0, imputed: false, stale: false, stepMs, live: true, isCounter: series.isCounter }
  const seen: Seen = { opened: false, notified: false, inEpisode: false }
  let severity = 0
  const next = () => {
    const scraped = series.next()
    sample.timestampMs = series.timestampMs
    sample.value = series.value
    if (scraped) detector.update(0, sample)
    else detector.tick(0, series.timestampMs)
    const { transition } = detector.verdict
    const before = severity
    severity =
      transition === 'opened' || transition === 'escalated' ? severities.indexOf(severityOf(detector.episode(0))) : severity
    if (transition === 'resolved') severity = 0
    seen.opened = transition === 'opened'
    seen.notified = severity >= 1 && (before === 0 || seen.opened)
    seen.inEpisode = detector.verdict.state === 'anomalous'
    return seen
  }
  return { series, next }
}
