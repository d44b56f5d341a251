/**
 * The canary as the reporter shows it: the page `/metrics/canary` with its series, and as metrics how many of its faults were found, and how long it took
 * until the reporter knew.
 *
 * A fault counts once it is over, if the reporter had known the series for a day when it began: before, the detector still learns what is usual. What it
 * has known begins with the oldest sample that it holds, so after a restart it takes a day again.
 */
import { canaryFaultKind, canaryFaults, canaryGraceMs, canaryOf, canaryPage } from '@lapwing/evaluation/canary'
import type { FastifyInstance } from 'fastify'
import { Gauge, Histogram, type Registry } from 'prom-client'
import type { Episode } from './episode.ts'
import type { HistoryStore } from './history-store.ts'
import { newestSlots } from './point-ring.ts'
import type { Projection, SeriesView } from './projection.ts'

export interface CanaryOptions {
  readonly http: FastifyInstance
  readonly registry: Registry
  readonly projection: Projection
  readonly history: HistoryStore
  now(): number
}

export interface Canary {
  /** Takes in episodes that were seen for the first time. */
  observe(opened: readonly Episode[]): void
}

const dayMs = 86_400_000
const weekMs = 7 * dayMs
/** Whatever is told later was read again after a restart, or was not found by its fault. */
const longestDelayMs = 20 * 60_000

export function addCanary({ http, registry, projection, history, now }: CanaryOptions): Canary {
  http.get('/metrics/canary', (_request, reply) => reply.type('text/plain; version=0.0.4; charset=utf-8').send(canaryPage(now())))
  const knownSinceMs = new Map<string, number>()
  const sinceOf = (view: SeriesView) => {
    const sinceMs = Math.min(knownSinceMs.get(view.key) ?? Number.POSITIVE_INFINITY, oldestMs(view))
    knownSinceMs.set(view.key, sinceMs)
    return sinceMs
  }
  const counts = {
    faults: 'Faults of the canary in the last week that are over, from when the reporter had known their series for a day.',
    found: 'Those of them in which an episode opened.',
  } as const
  for (const [name, help] of Object.entries(counts)) {
    new Gauge({
      name: `lapwing_canary_faults${name === 'found' ? '_found' : ''}`,
      help,
      labelNames: ['fault'],
      registers: [registry],
      async collect() {
        this.reset()
        for (const view of canaries(projection)) {
          const outcome = await outcomeOf(view, sinceOf(view), history, now())
          this.inc({ fault: canaryFaultKind(canaryOf(view.labels)!) }, outcome[name as keyof typeof counts])
        }
      },
    })
  }
  const delay = new Histogram({
    name: 'lapwing_canary_delay_seconds',
    help: 'From the beginning of a fault of the canary until the reporter knew of its episode: through scrape, poll, log and detector.',
    labelNames: ['fault'],
    buckets: [15, 30, 60, 120, 180, 300, 600, 1200],
    registers: [registry],
  })
  return {
    observe: (opened) => {
      for (const episode of opened) {
        const canary = canaryOf(episode.labels)
        if (canary === undefined) continue
        const [fault] = canaryFaults(canary, now() - longestDelayMs, now())
        if (fault && episode.observedAtMs >= fault.fromMs)
          delay.observe({ fault: canaryFaultKind(canary) }, (now() - fault.fromMs) / 1000)
      }
    },
  }
}

function canaries({ series }: Projection): SeriesView[] {
  return [...series.values()].filter(({ labels }) => canaryOf(labels) !== undefined)
}

function oldestMs({ points }: SeriesView): number {
  const [oldest] = newestSlots(points, Number.POSITIVE_INFINITY)
  return oldest === undefined ? Number.POSITIVE_INFINITY : points.columns.timestampsMs[oldest]!
}

interface Outcome {
  readonly faults: number
  readonly found: number
}

async function outcomeOf(view: SeriesView, sinceMs: number, history: HistoryStore, nowMs: number): Promise<Outcome> {
  const fromMs = Math.max(nowMs - weekMs, sinceMs + dayMs)
  const faults = canaryFaults(canaryOf(view.labels)!, fromMs, nowMs).filter(({ toMs }) => toMs + canaryGraceMs <= nowMs)
  if (faults.length === 0) return { faults: 0, found: 0 }
  const episodes = await history.episodes({ seriesKey: view.key, fromMs, limit: mostEpisodes })
  const found = faults.filter(({ fromMs, toMs }) =>
    episodes.some(({ episode }) => episode.startedAtMs >= fromMs && episode.startedAtMs <= toMs + canaryGraceMs),
  )
  return { faults: faults.length, found: found.length }
}

const mostEpisodes = 500
