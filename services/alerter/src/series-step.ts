/**
 * The first stage: anomaly records in, alert records out, one decision (`decide-alert.ts`) each.
 *
 * Its memory of a series is written beside every alert. The two are not written atomically; if only the memory survives a crash,
 * the record comes again, is recognised as repeated, and gets the same alert again. That is why a repeated record is answered
 * and not dropped: the second stage, which knows what it has accepted, is the one to drop it.
 */
import { createHash } from 'node:crypto'
import { DecodeError, decode, encode } from '@lapwing/contracts/codec'
import { partitionOf } from '@lapwing/contracts/series'
import type { Step } from '@lapwing/stream/stage'
import { encodeSeries, stateKeys } from './alert-state.ts'
import { type DecisionPolicy, decideAlert, type SeriesState } from './decide-alert.ts'

export interface SeriesStepOptions {
  readonly policy: DecisionPolicy
  readonly partition: number
  readonly partitions: number
  readonly alertsTopic: string
  readonly stateTopic: string
}

/** @param known what is remembered of each series, by its key; the step goes on with it */
export function createSeriesStep(options: SeriesStepOptions, known: Map<string, SeriesState>): Step {
  const { policy, partition, partitions, alertsTopic, stateTopic } = options
  return {
    process(record, emit) {
      const anomaly = decode('Anomaly', record.value ?? new Uint8Array())
      if (anomaly.state === 'unknown') throw new DecodeError('malformed', 'an anomaly in a state that this version does not know')
      const { state, alert } = decideAlert(anomaly, known.get(anomaly.seriesKey), policy)
      known.set(anomaly.seriesKey, state)
      emit({
        topic: alertsTopic,
        partition: partitionOfRoute(alert.route, partitions),
        key: Buffer.from(alert.route),
        value: encode('Alert', alert),
      })
      emit({
        topic: stateTopic,
        partition,
        key: Buffer.from(stateKeys.series(anomaly.seriesKey)),
        value: encodeSeries(state, record.offset),
      })
    },
  }
}

/** All alerts of a route share a partition, so that one process sees the whole route. */
export function partitionOfRoute(route: string, partitions: number): number {
  return partitionOf(createHash('sha256').update(route).digest(), partitions)
}
