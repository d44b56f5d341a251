/**
 * How much a tenant and a source may push: series, samples a second, bytes a request. Nothing is limited that is not configured.
 *
 * Counted by each ingestor for itself. Whoever has not been heard for long among a thousand others begins anew.
 */
import { ActiveSeries } from '@lapwing/prometheus/active-series'
import { createRecentCache } from '@lapwing/prometheus/recent-cache'
import type { SeriesLimit } from '@lapwing/prometheus/remote-write-decoder'
import { TokenBucket } from '@lapwing/prometheus/token-bucket'
import { z } from 'zod'

const limitKeys = z.strictObject({
  /** A series is active until it has been silent for 10 to 20 minutes. */
  active_series: z.int().min(1).optional(),
  samples_per_second: z.number().positive().optional(),
  /** Samples taken at once after a pause; ten seconds' worth unless set. */
  burst: z.int().min(1).optional(),
  /** Compressed. */
  request_bytes: z.int().min(1).optional(),
})
type LimitSettings = z.output<typeof limitKeys>

const refineBurst = limitKeys.refine(({ burst, samples_per_second }) => burst === undefined || samples_per_second !== undefined, {
  path: ['burst'],
  message: 'expected samples_per_second beside it',
})

/** `limits` of `remote_write`. */
export const writeLimitsSchema = z.strictObject({
  per_tenant: refineBurst.prefault({}),
  per_source: refineBurst.prefault({}),
})

export const activeWindowMs = 10 * 60_000
const burstSeconds = 10
const rememberedSenders = 1000

/** What holds for one sender. */
export interface SenderLimits {
  /** Most compressed bytes of a request. */
  readonly requestBytes: number
  /** Milliseconds until the next request may come, 0 when it may come now. */
  waitMs(nowMs: number): number
  /** Charges samples that are taken. */
  charge(samples: number, nowMs: number): void
  /** To be asked for anew for each request. */
  seriesLimit(nowMs: number): SeriesLimit | undefined
}

/** @param source who sends: the name of its credential, or its address */
export type LimitsOf = (tenant: string, source: string) => SenderLimits

export function createWriteLimits({ per_tenant, per_source }: z.output<typeof writeLimitsSchema>): LimitsOf {
  const tenants = remembering(per_tenant)
  const sources = remembering(per_source)
  return (tenant, source) => together([tenants(tenant), sources(source)])
}

interface Counters {
  readonly requestBytes: number
  readonly bucket: TokenBucket | undefined
  readonly series: ActiveSeries | undefined
}

function remembering(settings: LimitSettings): (name: string) => Counters {
  const known = createRecentCache<Counters>(rememberedSenders)
  return (name) => {
    const found = known.get(name)
    if (found) return found
    const { active_series: series, samples_per_second: perSecond, burst, request_bytes: bytes } = settings
    const made: Counters = {
      requestBytes: bytes ?? Number.POSITIVE_INFINITY,
      bucket: perSecond === undefined ? undefined : new TokenBucket(perSecond, burst ?? burstSeconds * perSecond),
      series: series === undefined ? undefined : new ActiveSeries(series, activeWindowMs),
    }
    known.set(name, made)
    return made
  }
}

function together(all: readonly Counters[]): SenderLimits {
  const buckets = all.flatMap(({ bucket }) => bucket ?? [])
  const counted = all.flatMap(({ series }) => series ?? [])
  return {
    requestBytes: Math.min(...all.map(({ requestBytes }) => requestBytes)),
    waitMs: (nowMs) => Math.max(0, ...buckets.map((bucket) => bucket.waitMs(nowMs))),
    charge: (samples, nowMs) => {
      for (const bucket of buckets) bucket.take(samples, nowMs)
    },
    seriesLimit: (nowMs) => (counted.length === 0 ? undefined : seriesLimit(counted, nowMs)),
  }
}

function seriesLimit(counted: readonly ActiveSeries[], nowMs: number): SeriesLimit {
  for (const one of counted) one.turn(nowMs)
  return {
    pass: passOf(counted),
    admit: (series) => {
      if (!counted.every((one) => one.hasRoom(series))) return false
      for (const one of counted) one.add(series)
      return true
    },
  }
}

/** One number for the passes of a tenant and a source: each is below 2^26 for centuries of ten minutes and thousands of senders. */
function passOf(counted: readonly ActiveSeries[]): number {
  return counted.reduce((pass, one) => pass * 2 ** 26 + one.pass, 0)
}
