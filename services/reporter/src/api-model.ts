/**
 * What the API answers, as types: shared by the routes and the page, so that the two cannot disagree.
 *
 * Times are milliseconds since the epoch. A number is null where there is none (a gap, a silence, a band that is not known yet).
 * Labels are pairs, never keys of an object: their text comes from strangers.
 */
import type { AlertState, AnomalyState, NotificationOutcome, Reason, Severity } from '@lapwing/contracts/records'
import type { ReasonName, SeriesState } from '@lapwing/contracts/series-state'

export interface Overview {
  readonly nowMs: number
  /** Kind of the log: kafka or in-process. */
  readonly log: string
  /** Query ids of polls, or remote-write. */
  readonly sources: readonly string[]
  readonly series: { readonly shown: number; readonly notShown: number; readonly byState: Readonly<Record<SeriesState, number>> }
  readonly openAnomalies: number
  readonly newestSampleMs: number | null
  /** From the newest sample until now. */
  readonly lagSeconds: number | null
  /** Records of the log that are still to be read. */
  readonly behindRecords: number
  /** What is missing, a sentence each; empty when all is well. */
  readonly waitingFor: readonly string[]
}

export interface SeriesSummary {
  readonly key: string
  readonly metric: string
  readonly text: string
  readonly labels: readonly LabelPair[]
  readonly source: string
  readonly state: SeriesState
  /** The number that belongs to the state: share of the warm-up, share of gaps, or a time. */
  readonly stateDetail: number | null
  readonly stateText: string
  readonly atMs: number
  readonly value: number | null
  readonly expected: number | null
  readonly lower: number | null
  readonly upper: number | null
  readonly score: number
  readonly confidence: number
  readonly reason: ReasonName
}

export type LabelPair = readonly [name: string, value: string]

/** With the newest values, oldest first, for a sparkline. */
export interface SeriesRow extends SeriesSummary {
  readonly recent: readonly (number | null)[]
}

export interface SeriesList {
  readonly total: number
  readonly matching: number
  readonly series: readonly SeriesRow[]
}

export interface SeriesDetail {
  readonly series: SeriesSummary
  readonly model: string
  readonly points: Points
  /** Newest first. */
  readonly anomalies: readonly AnomalyView[]
  readonly drift: readonly DriftRequest[]
}

/** Column by column, oldest first. */
export interface Points {
  readonly timestampsMs: readonly number[]
  readonly values: readonly (number | null)[]
  readonly expected: readonly (number | null)[]
  readonly lower: readonly (number | null)[]
  readonly upper: readonly (number | null)[]
  readonly scores: readonly number[]
  /** 1: the value was filled in from its neighbours. */
  readonly imputed: readonly (0 | 1)[]
  readonly reasons: readonly ReasonName[]
}

export interface DriftRequest {
  readonly id: string
  readonly detector: string
  readonly reason: string
  readonly atMs: number
}

export interface AnomalyView {
  readonly episodeId: string
  readonly state: AnomalyState
  readonly severity: Severity
  readonly seriesKey: string
  readonly metric: string
  readonly text: string
  readonly labels: readonly LabelPair[]
  readonly source: string
  readonly model: string
  readonly startedAtMs: number
  readonly observedAtMs: number
  readonly endedAtMs: number | null
  readonly value: number | null
  readonly expected: number | null
  readonly lower: number | null
  readonly upper: number | null
  readonly score: number | null
  readonly peakScore: number | null
  readonly confidence: number | null
  readonly reasons: readonly Reason[]
  /** Oldest first. */
  readonly notifications: readonly NotificationView[]
}

export interface NotificationView {
  readonly id: string
  readonly route: string
  readonly receiver: string
  readonly outcome: NotificationOutcome
  readonly reason: string
  readonly state: AlertState
  readonly severity: Severity
  readonly attempts: number
  readonly error: string
  readonly atMs: number
}

export interface AnomalyDetail {
  readonly anomaly: AnomalyView
  /** Oldest first. */
  readonly steps: readonly AnomalyStep[]
}

export interface AnomalyStep {
  readonly id: string
  readonly state: AnomalyState
  readonly severity: Severity
  readonly atMs: number
  readonly value: number | null
  readonly expected: number | null
  readonly score: number | null
}

/** Names and bodies of the server-sent events. */
export interface LiveEvents {
  /** About once a second. */
  readonly overview: Overview
  /** Series that changed since the last one, the most anomalous first, at most `liveSeriesLimit`. */
  readonly series: readonly SeriesSummary[]
  /** An anomaly that opened, escalated, ended or was notified. */
  readonly anomaly: AnomalyView
}
