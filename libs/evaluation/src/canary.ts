/**
 * The canary: series made of nothing but the time, with faults at times that everybody can work out. Sent through the running pipeline they show whether it
 * still finds what it should, and how soon.
 *
 * A series has the rhythm of a day and small noise, both functions of the time, so whoever asks at a time gets the same value. Each goes wrong for
 * twenty minutes once in a week, because what happens every few hours is usual and no news; one after the other, so that there are two faults a day.
 */
import { canaryMetric } from '@lapwing/contracts/series'
import type { TrueEvent } from './event-accuracy.ts'

export const canaryCount = 14
const faultKinds = ['jump', 'drop', 'silence'] as const

const minuteMs = 60_000
const dayMs = 1440 * minuteMs
const cycleMs = 7 * dayMs
export const canaryFaultMs = 20 * minuteMs
/** Between the faults of two series: half a day and some, so that they come at all hours. */
const staggerMs = cycleMs / canaryCount + 31 * minuteMs
const noiseStepMs = 15_000

/** What goes wrong with a canary, 0 to `canaryCount - 1`. */
export function canaryFaultKind(canary: number): (typeof faultKinds)[number] {
  return faultKinds[canary % faultKinds.length]!
}

/** What a canary reads at a time; undefined while it is silent. */
export function canaryValue(canary: number, atMs: number): number | undefined {
  const phase = (2 * Math.PI * canary) / canaryCount
  const usual =
    100 + 30 * Math.sin((2 * Math.PI * atMs) / dayMs + phase) + 6 * (noise(canary, Math.floor(atMs / noiseStepMs)) - 0.5)
  const isFaulty = intoCycleMs(canary, atMs) < canaryFaultMs
  return isFaulty ? { jump: 2.5 * usual, drop: 0.2 * usual, silence: undefined }[canaryFaultKind(canary)] : usual
}

/** The faults that begin in a time, oldest first. */
export function canaryFaults(canary: number, fromMs: number, toMs: number): Pick<TrueEvent, 'fromMs' | 'toMs'>[] {
  const faults: { fromMs: number; toMs: number }[] = []
  const sinceMs = intoCycleMs(canary, fromMs)
  for (let startMs = sinceMs === 0 ? fromMs : fromMs - sinceMs + cycleMs; startMs < toMs; startMs += cycleMs)
    faults.push({ fromMs: startMs, toMs: startMs + canaryFaultMs })
  return faults
}

/** An episode of a fault that ends late may open so long after it. */
export const canaryGraceMs = 5 * minuteMs

/** The faults of a canary that begin in a time and of which everything is known at its end. */
export function canaryEvents(canary: number, series: string, fromMs: number, toMs: number): TrueEvent[] {
  const kind = canaryFaultKind(canary)
  return canaryFaults(canary, fromMs, toMs)
    .filter((fault) => fault.toMs + canaryGraceMs <= toMs)
    .map((fault) => ({ ...fault, series, kind }))
}

/** Which canary a series is; undefined for any other. */
export function canaryOf(labels: readonly { readonly name: string; readonly value: string }[]): number | undefined {
  const value = (wanted: string) => labels.find(({ name }) => name === wanted)?.value ?? ''
  const number = value('canary')
  if (value('__name__') !== canaryMetric || !/^\d{1,3}$/.test(number)) return undefined
  return Number(number) < canaryCount ? Number(number) : undefined
}

/** The page on which Prometheus, or Lapwing itself, finds them. Source: Prometheus, "Exposition formats". */
export function canaryPage(atMs: number): string {
  const lines = Array.from({ length: canaryCount }, (_, canary) => {
    const value = canaryValue(canary, atMs)
    return value === undefined ? '' : `${canaryMetric}{canary="${canary}"} ${value}\n`
  })
  return `# HELP ${canaryMetric} Made of the time, with a fault of twenty minutes once a week.\n# TYPE ${canaryMetric} gauge\n${lines.join('')}`
}

/** How long ago the last fault of a canary began. */
function intoCycleMs(canary: number, atMs: number): number {
  const sinceMs = atMs - staggerMs * canary
  return sinceMs - Math.floor(sinceMs / cycleMs) * cycleMs
}

/** 0 to 1, from a hash of canary and step (FNV-1a, finished as in MurmurHash3). */
function noise(canary: number, step: number): number {
  let hash = 2_166_136_261
  for (const character of `${canary}/${step}`) hash = Math.imul(hash ^ character.charCodeAt(0), 16_777_619)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 4_294_967_296
}
