/**
 * Service metrics as they are met in production, made from a seed: one-minute samples of ten kinds of series with daily and weekly
 * seasons, bursts, deploys, noise, counter resets and missed scrapes, and on request one fault of ten kinds.
 *
 * A stream: a sample is worked out from the one before, so that weeks of many series need no memory. A value leans on the
 * activity of the service's users (hour and day of the week), on noise of the series' kind, and on deploys, which disturb it for some
 * minutes and leave a slightly other level behind.
 *
 * Blind spot: series are independent of one another; in life a deploy or an outage shows in many at once.
 */
import { createRandom } from '../src/random.ts'

export const seriesKinds = [
  'requests',
  'latency',
  'cpu',
  'memory',
  'queue',
  'errors',
  'counter',
  'connections',
  'nightly',
  'replicas',
] as const
export type SeriesKind = (typeof seriesKinds)[number]

export const faultKinds = [
  'spike',
  'level-shift',
  'slow-leak',
  'flat-line',
  'silence',
  'season-break',
  'variance-change',
  'missing-dip',
  'saturation',
  'reset-storm',
] as const
export type FaultKind = (typeof faultKinds)[number]

export interface InjectedFault {
  readonly kind: FaultKind
  /** Minutes since the series began; of a missing dip, any minute of its day. */
  readonly startMinute: number
}

/** Kinds of series that a fault is injected into: those in which it can be told from what they do anyway. */
const seriesOf: Readonly<Record<FaultKind, readonly SeriesKind[]>> = {
  spike: ['requests', 'latency', 'cpu', 'queue', 'errors', 'connections'],
  'level-shift': ['requests', 'latency', 'cpu', 'connections', 'memory'],
  'slow-leak': ['latency', 'memory', 'connections', 'cpu'],
  'flat-line': ['requests', 'latency', 'cpu', 'connections'],
  silence: ['requests', 'latency', 'cpu', 'memory', 'queue', 'counter'],
  'season-break': ['requests', 'cpu', 'counter', 'connections'],
  'variance-change': ['requests', 'latency', 'cpu', 'connections'],
  'missing-dip': ['nightly'],
  saturation: ['requests', 'cpu', 'connections'],
  'reset-storm': ['counter'],
}

/** The kind of series that the n-th fault of its kind goes into. */
export function seriesKindFor(fault: FaultKind, n: number): SeriesKind {
  return seriesOf[fault][n % seriesOf[fault].length]!
}

/** Minutes a fault lasts. A silence, a leak and a broken season need hours to be one. */
const faultMinutes: Readonly<Record<FaultKind, readonly [least: number, most: number]>> = {
  spike: [3, 12],
  'level-shift': [180, 720],
  'slow-leak': [1440, 2880],
  'flat-line': [60, 240],
  silence: [20, 120],
  'season-break': [1440, 1440],
  'variance-change': [120, 360],
  'missing-dip': [60, 60],
  saturation: [1440, 2880],
  'reset-storm': [30, 90],
}

export const stepMs = 60_000
/** Monday, 1 January 2024, 00:00 UTC. */
export const firstMs = Date.UTC(2024, 0, 1)
const dayMinutes = 1440
const weekMinutes = 7 * dayMinutes

export interface SimulatedSeriesOptions {
  readonly kind: SeriesKind
  readonly seed: number
  readonly fault?: InjectedFault
}

export class SimulatedSeries {
  readonly kind: SeriesKind
  /** Counters grow and fall back to 0 with a reset; a detector sees their rate. */
  readonly isCounter: boolean
  readonly faultStartMinute: number
  readonly faultEndMinute: number
  timestampMs = 0
  value = 0
  /** The fault changes this minute. */
  inFault = false
  readonly #random: () => number
  readonly #fault: InjectedFault | undefined
  /** How large a fault is, 0 (just worth telling) to 1, and which way it goes. */
  readonly #faultSize: number
  readonly #faultSign: number
  readonly #shape: Shape
  #minute = -1
  #spare = Number.NaN
  #noise = 0
  #walk = 0
  #burst = 0
  #burstFade = 0.8
  #counter = 0
  #sawtooth = 0
  #sawtoothMinutes = 60
  #deployMinutes = 0
  #deployLevel = 0
  #replicas = 0
  #nightlyStart = 0
  #frozen = Number.NaN
  /** What the series has done lately: mean, mean absolute deviation (a day), largest of this week and the week before. */
  #mean = 0
  #deviation = 0
  #weekMax = 0
  #lastWeekMax = 0

  constructor({ kind, seed, fault }: SimulatedSeriesOptions) {
    this.kind = kind
    this.isCounter = kind === 'counter'
    this.#random = createRandom(seed)
    this.#fault = fault
    this.#shape = this.#draw()
    this.#faultSize = this.#random()
    this.#faultSign = this.#random() < 0.5 ? -1 : 1
    const faultLength = this.#random()
    const [least, most] = fault ? faultMinutes[fault.kind] : [0, 0]
    this.faultStartMinute = fault ? this.#startOf(fault) : 0
    this.faultEndMinute = this.faultStartMinute + Math.round(least + (most - least) * faultLength)
    this.#walk = this.#normal()
  }

  /** Goes on by a minute; the sample is in `timestampMs` and `value`. False when this scrape was missed. */
  next(): boolean {
    const minute = ++this.#minute
    this.timestampMs = firstMs + minute * stepMs
    const fault = this.#fault
    this.inFault = fault !== undefined && minute >= this.faultStartMinute && minute < this.faultEndMinute
    this.#disturb(minute)
    const healthy = this.#healthy(minute)
    this.#remember(healthy, minute)
    const rate = this.inFault ? this.#faulty(healthy, minute) : healthy
    this.value = this.isCounter ? this.#count(rate) : rate
    const missed = this.#random() < missedScrapes
    return !missed && !(this.inFault && fault?.kind === 'silence')
  }

  #draw(): Shape {
    const between = (low: number, high: number) => low + (high - low) * this.#random()
    return {
      base: 10 ** between(0, 3),
      swing: between(0.4, 3),
      weekend: between(0.3, 1),
      peakMinute: between(12, 16) * 60,
      noise: between(0.02, 0.08),
      burstsPerMinute: this.#random() < 0.3 ? between(0.3, 2) / dayMinutes : 0,
      deploysPerWorkMinute: between(1, 4) / (5 * 8 * 60),
      nightlyMinute: Math.floor(between(1, 4) * 60),
    }
  }

  /** A dip can only be missed when it is due. */
  #startOf({ kind, startMinute }: InjectedFault): number {
    if (kind !== 'missing-dip') return startMinute
    return startMinute - (startMinute % dayMinutes) + this.#shape.nightlyMinute
  }

  /** Users' activity, 0 to 1, by the hour of the day and the day of the week. */
  #activity(minute: number): number {
    const { peakMinute, weekend } = this.#shape
    const wave = 0.5 + 0.5 * Math.cos((2 * Math.PI * (minute - peakMinute)) / dayMinutes)
    const day = Math.floor(minute / dayMinutes) % 7
    return wave * (day >= 5 ? weekend : 1)
  }

  #disturb(minute: number): void {
    const { burstsPerMinute, deploysPerWorkMinute, nightlyMinute } = this.#shape
    const ofDay = minute % dayMinutes
    const atWork = Math.floor(minute / dayMinutes) % 7 < 5 && ofDay >= 9 * 60 && ofDay < 17 * 60
    this.#burst *= this.#burstFade
    if (this.#random() < burstsPerMinute) {
      this.#burst = 0.3 - 0.6 * Math.log(1 - this.#random())
      this.#burstFade = 0.6 + 0.3 * this.#random()
    }
    if (this.#deployMinutes > 0) this.#deployMinutes--
    else if (atWork && this.#random() < deploysPerWorkMinute) this.#deploy()
    if (ofDay === 0) this.#nightlyStart = minute + nightlyMinute + Math.round(3 * this.#normal())
  }

  #deploy(): void {
    this.#deployMinutes = 3 + Math.floor(3 * this.#random())
    this.#deployLevel = 0.8 * this.#deployLevel + 0.03 * this.#normal()
    this.#counter = 0
    this.#sawtooth = 0
  }

  #healthy(minute: number): number {
    const { base, swing, noise } = this.#shape
    const season = this.#season(minute)
    const activity = this.#activity(season)
    const level = base * (1 + swing * activity) * (1 + this.#deployLevel)
    const deploying = this.#deployMinutes > 0
    this.#noise = 0.7 * this.#noise + 0.7 * this.#normal() * (this.#is('variance-change') ? 3 + 2 * this.#faultSize : 1)
    const wobble = 1 + noise * this.#noise
    switch (this.kind) {
      case 'requests':
      case 'counter':
        return Math.max(0, level * wobble * (1 + this.#burst) * (deploying ? 0.7 : 1))
      case 'latency':
        return level * Math.exp(2 * noise * this.#noise) * (1 + this.#burst) * (deploying ? 1.4 : 1)
      case 'cpu':
        return Math.min(
          100,
          Math.max(0, (8 + 15 * swing * activity) * (1 + this.#deployLevel) * wobble * (deploying ? 1.3 : 1) + 8 * this.#burst),
        )
      case 'memory':
        return base * (1 + 0.2 * activity + 0.4 * this.#collected() + this.#deployLevel + 0.2 * noise * this.#noise)
      case 'queue':
        return this.#queue(activity)
      case 'errors':
        return this.#poisson((0.1 + 2 * activity) * (1 + 4 * this.#burst) * (deploying ? 2 : 1))
      case 'connections':
        this.#walk = 0.995 * this.#walk + 0.1 * this.#normal()
        return Math.max(0, Math.round(base * (3 + 2 * swing * activity + 0.2 * this.#walk + noise * this.#noise)))
      case 'nightly': {
        const inDip = minute >= this.#nightlyStart && minute < this.#nightlyStart + nightlyMinutes
        return level * wobble * (inDip && !this.#isMissing() ? 0.3 : 1) * (1 + this.#burst)
      }
      case 'replicas': {
        const wanted = 2 + swing * 3 * activity
        if (Math.abs(wanted - this.#replicas) > 0.8) this.#replicas = Math.round(wanted)
        return this.#replicas
      }
    }
  }

  /** The minute whose season rules; half a day off while the season is broken. */
  #season(minute: number): number {
    return this.#is('season-break') ? minute + dayMinutes / 2 : minute
  }

  /** The dip that is due may begin some minutes before the fault is counted. */
  #isMissing(): boolean {
    return this.#fault?.kind === 'missing-dip' && Math.abs(this.#minute - this.faultStartMinute) < 2 * nightlyMinutes
  }

  #is(kind: FaultKind): boolean {
    return this.inFault && this.#fault!.kind === kind
  }

  /** Share of the heap in use: grows, and is collected. */
  #collected(): number {
    this.#sawtooth += 1 / this.#sawtoothMinutes
    if (this.#sawtooth >= 1) {
      this.#sawtooth = 0.1 * this.#random()
      this.#sawtoothMinutes = 30 + 90 * this.#random()
    }
    return this.#sawtooth
  }

  /** Mostly nearly empty; work arrives in heaps and is worked off. */
  #queue(activity: number): number {
    const { base } = this.#shape
    this.#walk *= 0.9
    if (this.#random() < (0.2 + activity) / 60) this.#walk -= Math.log(1 - this.#random())
    return Math.max(0, Math.round(base * (Math.max(0, this.#walk) + 0.05 * Math.abs(this.#noise))))
  }

  #poisson(mean: number): number {
    const least = Math.exp(-mean)
    let product = this.#random()
    let count = 0
    while (product > least && count < 1000) {
      product *= this.#random()
      count++
    }
    return count
  }

  #remember(healthy: number, minute: number): void {
    const weight = Math.max(1 / (minute + 1), 1 / dayMinutes)
    this.#deviation += weight * (Math.abs(healthy - this.#mean) - this.#deviation)
    this.#mean += weight * (healthy - this.#mean)
    if (minute % weekMinutes === 0) {
      this.#lastWeekMax = this.#weekMax
      this.#weekMax = 0
    }
    if (!this.inFault) this.#weekMax = Math.max(this.#weekMax, healthy)
  }

  /** About the distance from the daily low to the daily high. */
  get #spread(): number {
    return 3 * this.#deviation
  }

  #faulty(healthy: number, minute: number): number {
    const since = minute - this.faultStartMinute
    switch (this.#fault!.kind) {
      case 'spike':
        return Math.max(this.#weekMax, this.#lastWeekMax) + (0.3 + this.#faultSize) * this.#spread
      case 'level-shift': {
        const shift = (0.8 + this.#faultSize) * this.#spread
        return this.#faultSign > 0 || healthy - shift < 0 ? healthy + shift : healthy - shift
      }
      case 'slow-leak':
        return healthy + ((1.2 + this.#faultSize) * this.#spread * since) / (this.faultEndMinute - this.faultStartMinute)
      case 'flat-line':
        if (since === 0) this.#frozen = healthy
        return this.#frozen
      case 'saturation':
        if (since === 0) this.#frozen = this.#mean + 0.1 * this.#deviation
        return Math.min(healthy, this.#frozen)
      case 'reset-storm':
        if (this.#random() < 0.2) this.#counter = 0
        return 0.8 * healthy
      default:
        return healthy
    }
  }

  #count(rate: number): number {
    this.#counter += rate * 60
    return this.#counter
  }

  #normal(): number {
    if (!Number.isNaN(this.#spare)) {
      const spare = this.#spare
      this.#spare = Number.NaN
      return spare
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.#random()))
    const angle = 2 * Math.PI * this.#random()
    this.#spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
}

const missedScrapes = 0.001
const nightlyMinutes = 45

interface Shape {
  readonly base: number
  /** Height of the daily season, as a share of the base. */
  readonly swing: number
  /** Activity of a weekend's day beside that of a working day. */
  readonly weekend: number
  readonly peakMinute: number
  /** Standard deviation of the noise, as a share of the level. */
  readonly noise: number
  readonly burstsPerMinute: number
  readonly deploysPerWorkMinute: number
  readonly nightlyMinute: number
}
