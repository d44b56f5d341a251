/**
 * The first stage: anomaly records in, alert records out, one decision (`decide-alert.ts`) each, once per route that it takes.
 *
 * A route that an episode took once hears of it to the end, though a rise in severity may lead the later records elsewhere.
 *
 * Its memory of a series is written beside every alert. The two are not written atomically; if only the memory survives a crash,
 * the record comes again, is recognised as repeated, and gets the same alert again. That is why a repeated record is answered
 * and not dropped: the second stage, which knows what it has accepted, is the one to drop it.
 *
 * A series whose last episode is over is forgotten when the log holds no record of it any more: those of pods that are gone never come again.
 */
import { createHash } from 'node:crypto'
import { matchedLabels } from '@lapwing/alerting/hold'
import { type Route, routesFor } from '@lapwing/alerting/routing'
import { DecodeError, decode, encode } from '@lapwing/contracts/codec'
import type { Alert } from '@lapwing/contracts/records'
import { partitionOf } from '@lapwing/contracts/series'
import { topics } from '@lapwing/contracts/topics'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import type { Step } from '@lapwing/stream/stage'
import { encodeSeries, type SeriesMemory, seriesStateKey } from './alert-state.ts'
import { type DecisionPolicy, decideAlert } from './decide-alert.ts'

export interface SeriesStepOptions {
  readonly policy: DecisionPolicy
  /** Root of the routing tree. */
  readonly route: Route
  readonly partition: number
  readonly partitions: number
  readonly alertsTopic: string
  readonly stateTopic: string
}

/** @param known what is remembered of each series, by its key; the step goes on with it */
export function createSeriesStep(options: SeriesStepOptions, known: Map<string, SeriesMemory>): Step {
  const { policy, route, partition, partitions, alertsTopic, stateTopic } = options
  const forgetOld = forgetter(options, known)
  return {
    process(record, emit) {
      forgetOld(record, emit)
      const anomaly = decode('Anomaly', record.value ?? new Uint8Array())
      if (anomaly.state === 'unknown') throw new DecodeError('malformed', 'an anomaly in a state that this version does not know')
      const before = known.get(anomaly.seriesKey)
      const { state, alert } = decideAlert(anomaly, before, policy)
      const routes = routesOf(alert, before, route)
      const memory = { ...state, routes, heardAtMs: record.timestampMs }
      known.set(anomaly.seriesKey, memory)
      for (const name of routes) {
        emit({
          topic: alertsTopic,
          partition: partitionOfRoute(name, partitions),
          key: Buffer.from(name),
          value: encode('Alert', { ...alert, route: name }),
        })
      }
      emit({
        topic: stateTopic,
        partition,
        key: Buffer.from(seriesStateKey(anomaly.seriesKey)),
        value: encodeSeries(memory, record.offset),
      })
    },
  }
}

/** Looks once an hour, by the time at which records were written. */
function forgetter({ partition, stateTopic: topic }: SeriesStepOptions, known: Map<string, SeriesMemory>) {
  let lookedAtMs = Number.NEGATIVE_INFINITY
  return ({ timestampMs }: LogRecord, emit: (output: OutgoingRecord) => void) => {
    if (timestampMs < lookedAtMs + lookEveryMs) return
    lookedAtMs = timestampMs
    for (const [seriesKey, { episode, heardAtMs = episode.endedAtMs ?? 0 }] of known) {
      if (episode.endedAtMs === null || timestampMs <= heardAtMs + topics.anomalies.retentionMs) continue
      known.delete(seriesKey)
      emit({ topic, partition, key: Buffer.from(seriesStateKey(seriesKey)), value: null })
    }
  }
}

const lookEveryMs = 3_600_000

/** A late record of an older episode goes where that of its successor went too: better twice than an end unheard. */
function routesOf(alert: Alert, before: SeriesMemory | undefined, root: Route): string[] {
  const taken = routesFor(root, matchedLabels(alert)).map(({ name }) => name)
  const goesOn = before && (before.episode.id === alert.id || alert.reason === 'outdated')
  return goesOn ? [...new Set([...(before.routes ?? []), ...taken])] : taken
}

/** All alerts of a route share a partition, so that one process sees the whole route. */
export function partitionOfRoute(route: string, partitions: number): number {
  return partitionOf(createHash('sha256').update(route).digest(), partitions)
}
