/**
 * What the API answers and takes, as schemas: the routes, the page and the OpenAPI document cannot disagree.
 *
 * Times are milliseconds since the epoch. A number is null where there is none (a gap, a silence, a band that is not known yet).
 * Labels are pairs, never keys of an object: their text comes from strangers.
 */
import { reasonNames, type SeriesState, seriesStates } from '@lapwing/contracts/series-state'
import { z } from 'zod'

const timeMs = z.number().describe('Milliseconds since the epoch')
const maybe = z.number().nullable()
const anomalyState = z.enum(['unknown', 'open', 'escalated', 'resolved'])
const severity = z.enum(['info', 'warning', 'critical'])
const labelPair = z.tuple([z.string(), z.string()]).readonly().describe('Name and value of a label')
const labels = z.array(labelPair).readonly()
const reason = z.object({ name: z.string(), share: z.number().describe('Part of the score, 0 to 1') })
const seriesState = z.enum(seriesStates)

/** Verdicts that a person can give; `undone` takes back what was said. */
export const givableVerdicts = ['confirmed', 'false_alarm', 'expected', 'known', 'new_normal', 'undone'] as const
const verdict = z.enum(givableVerdicts)

const troubleSchema = z.object({
  id: z.string().describe('Id of the query'),
  promql: z.string(),
  reason: z.string().describe('bad_query, not_executable, unauthorised, unreachable …'),
  message: z.string().describe('What Prometheus said'),
  sinceMs: timeMs.describe('From when on its samples are missing'),
  atMs: timeMs.describe('When it was asked last'),
})

export const overviewSchema = z.object({
  nowMs: timeMs,
  log: z.string().describe('Kind of the log: kafka or in-process'),
  explorer: z.string().describe('Why PromQL cannot be evaluated; empty when it can'),
  sources: z.array(z.string()).readonly().describe('Query ids of polls, or remote-write'),
  queries: z
    .array(z.object({ id: z.string(), promql: z.string() }))
    .readonly()
    .describe('What the ids among the sources stand for: queries without a name'),
  series: z.object({
    shown: z.number().describe('That have not ended'),
    ended: z.number().describe('Of which nothing has come for an hour; kept until another needs the room'),
    notShown: z.number().describe('Beyond max_series, at least'),
    byState: z.record(seriesState, z.number()) as unknown as z.ZodType<Readonly<Record<SeriesState, number>>>,
  }),
  openAnomalies: maybe.describe('null while the history does not answer'),
  newestSampleMs: maybe,
  lagSeconds: maybe.describe('From the newest sample until now'),
  behindRecords: z.number().describe('Records of the log that are still to be read'),
  troubles: z.array(troubleSchema).readonly().describe('Polled queries that fail now, the longest first'),
  waitingFor: z.array(z.string()).readonly().describe('What is missing, a sentence each; empty when all is well'),
})

export const seriesSummarySchema = z.object({
  key: z.string().describe('32 hexadecimal digits'),
  metric: z.string(),
  text: z.string().describe('As Prometheus writes it'),
  labels,
  source: z.string(),
  state: seriesState,
  hasEnded: z.boolean().describe('Nothing has come of it for an hour: the state is its last'),
  stateDetail: maybe.describe('The number that belongs to the state: share of the warm-up, share of gaps, or a time'),
  stateText: z.string(),
  atMs: timeMs,
  value: maybe,
  expected: maybe,
  lower: maybe,
  upper: maybe,
  score: z.number().describe('At least 0; above 1 is anomalous'),
  confidence: z.number().describe('0 to 1'),
  reason: z.enum(reasonNames),
})

const seriesRowSchema = seriesSummarySchema.extend({
  recent: z.array(maybe).readonly().describe('The newest values, oldest first'),
})

export const seriesListSchema = z.object({ total: z.number(), matching: z.number(), series: z.array(seriesRowSchema).readonly() })

/** Column by column, oldest first. */
const pointsSchema = z.object({
  timestampsMs: z.array(z.number()).readonly(),
  values: z.array(maybe).readonly(),
  expected: z.array(maybe).readonly(),
  lower: z.array(maybe).readonly(),
  upper: z.array(maybe).readonly(),
  scores: z.array(z.number()).readonly(),
  imputed: z
    .array(z.union([z.literal(0), z.literal(1)]))
    .readonly()
    .describe('1: the value was filled in from its neighbours'),
  reasons: z.array(z.enum(reasonNames)).readonly(),
})

const notificationSchema = z.object({
  id: z.string(),
  route: z.string(),
  receiver: z.string(),
  outcome: z.enum(['unknown', 'delivered', 'suppressed', 'dead_lettered', 'pending']),
  reason: z.string(),
  state: z.enum(['unknown', 'firing', 'resolved']),
  severity,
  attempts: z.number(),
  error: z.string(),
  atMs: timeMs,
})

const judgementSchema = z.object({
  verdict: z.enum(['unknown', ...givableVerdicts]),
  author: z.string(),
  comment: z.string(),
  origin: z.string().describe('page, slack, cli or alertmanager'),
  atMs: timeMs,
  untilMs: maybe.describe('End of a verdict that holds for a time'),
})

export const anomalySchema = z.object({
  episodeId: z.string(),
  state: anomalyState,
  severity,
  seriesKey: z.string(),
  entityKey: z.string().describe('What the series belongs to: series of one entity are one incident'),
  metric: z.string(),
  text: z.string(),
  labels,
  source: z.string(),
  model: z.string(),
  startedAtMs: timeMs,
  observedAtMs: timeMs,
  endedAtMs: maybe,
  endReason: z
    .string()
    .describe('normal_again, series_gone, began_anew (what its detector knew is lost); empty while it has not ended'),
  value: maybe,
  expected: maybe,
  lower: maybe,
  upper: maybe,
  score: maybe,
  peakScore: maybe,
  confidence: maybe,
  reasons: z.array(reason).readonly(),
  suppressedBy: z.string().describe('Verdict that holds it back; empty when none does'),
  notifications: z.array(notificationSchema).readonly().describe('Oldest first'),
  judgement: judgementSchema.nullable().describe('What a person said of it'),
})

const stepSchema = z.object({
  id: z.string(),
  state: anomalyState,
  severity,
  atMs: timeMs,
  value: maybe,
  expected: maybe,
  score: maybe,
})

export const anomalyDetailSchema = z.object({
  anomaly: anomalySchema,
  steps: z.array(stepSchema).readonly().describe('Oldest first'),
  pods: z
    .array(
      z.object({ atMs: timeMs, text: z.string(), when: z.string().describe('Before or after the beginning of the episode') }),
    )
    .readonly()
    .describe('What happened to its pods on Kubernetes, oldest first'),
})

const driftRequestSchema = z.object({ id: z.string(), detector: z.string(), reason: z.string(), atMs: timeMs })

export const seriesDetailSchema = z.object({
  series: seriesSummarySchema,
  model: z.string(),
  points: pointsSchema,
  anomalies: z.array(anomalySchema).readonly().describe('Newest first'),
  drift: z.array(driftRequestSchema).readonly(),
})

/** What a chart marks of an episode. */
const markedEpisodeSchema = z.object({ episodeId: z.string(), startedAtMs: timeMs, endedAtMs: maybe })

const exploredSeriesSchema = z.object({
  isWatched: z.boolean().describe('Lapwing scores it; else it was scored for this answer only'),
  series: seriesSummarySchema,
  points: pointsSchema,
  episodes: z.array(markedEpisodeSchema).readonly(),
  drift: z.array(driftRequestSchema).readonly(),
})

export const exploredSchema = z.object({
  promql: z.string(),
  fromMs: timeMs,
  toMs: timeMs,
  stepMs: z.number(),
  total: z.number().describe('Series that the expression gives; the first of them are in series'),
  isConfigured: z.boolean().describe('The expression is one of the configured queries'),
  series: z.array(exploredSeriesSchema).readonly(),
})

export const queryProblemSchema = z.object({
  error: z.string(),
  position: maybe.describe('Where in the expression, in characters from its beginning; null when nobody said'),
})

const modelSchema = z.object({
  modelId: z.string(),
  scope: z.string(),
  entity: z.string().describe('What it scores, for a person'),
  kind: z.string(),
  state: z.enum(['unknown', 'requested', 'trained', 'validated', 'shadow', 'promoted', 'rejected', 'rolled_back']),
  isInForce: z.boolean(),
  parentId: z.string(),
  createdAtMs: timeMs,
  stateAtMs: timeMs,
  trainedFromMs: timeMs,
  trainedToMs: timeMs,
  trainedRows: z.number(),
  channels: z.array(z.string()).readonly(),
  metrics: z
    .array(z.object({ name: z.string(), value: maybe }))
    .readonly()
    .describe('Numbers of the training and the validation'),
  progress: z
    .object({
      share: z.number().describe('0 to 1'),
      leftMs: maybe.describe('null until there is a pace'),
      atMs: timeMs.describe('When the trainer said so'),
    })
    .nullable()
    .describe('Of a version that is in training'),
  reason: z.string().describe('Why it was asked for'),
  decision: z.string().describe('Why it is in its state'),
  mayPromote: z.boolean(),
  mayRollBack: z.boolean(),
})

const nextRunSchema = z.object({
  scope: z.string(),
  entity: z.string().describe('What is retrained, for a person'),
  atMs: timeMs,
  by: z.enum(['schedule', 'request']).describe('A request waits for that time of the samples'),
  reason: z.string(),
})

export const modelsSchema = z.object({
  models: z.array(modelSchema).readonly().describe('By what they score, newest first'),
  nextRuns: z.array(nextRunSchema).readonly().describe('Trainings that are planned, the next one first'),
  requests: z
    .array(driftRequestSchema.extend({ scope: z.string(), text: z.string(), statistic: maybe, threshold: maybe }))
    .readonly()
    .describe('Requests for retraining, newest first'),
})

/** A change to a version that a person asks for. */
export const modelChangeSchema = z.strictObject({
  change: z.enum(['promote', 'rollback']),
  reason: z.string().min(1).max(2000),
})

export const askedSchema = z.object({ id: z.string().describe('Identity of the control record') })

const processSettingsSchema = z.object({
  service: z.string(),
  instance: z.string().describe('Host and process'),
  version: z.string(),
  startedAtMs: timeMs,
  atMs: timeMs.describe('When the process told them last'),
  yaml: z.string().describe('With defaults, without secrets'),
})

export const settingsSchema = z.object({
  processes: z.array(processSettingsSchema).readonly().describe('In the order in which the data passes them'),
  missing: z.array(z.string()).readonly().describe('Services of which nothing is heard'),
})

export const precisionSchema = z.object({
  fromMs: timeMs,
  counts: z.record(verdict.exclude(['undone']), z.number()).describe('Episodes by what was said of them'),
  judged: z.number().describe('Episodes that say whether a person should have been told: all but new_normal'),
  precision: maybe.describe('Share of the judged that were confirmed or known; null when none was judged'),
})

/** A verdict as it is handed in. */
export const givenVerdictSchema = z.strictObject({
  verdict,
  author: z.string().min(1).max(200).optional().describe('Who says it; else the name of the token'),
  comment: z.string().max(2000).default(''),
  forMs: z
    .number()
    .min(1000)
    .max(366 * 86_400_000)
    .optional()
    .describe('How long it holds: needed with expected, possible with known'),
})

export const writtenVerdictSchema = judgementSchema.extend({ id: z.string(), anomalyId: z.string() })

/** A mute as it is handed in: of the series of an anomaly, from now on. */
export const givenMuteSchema = z.strictObject({
  author: z.string().min(1).max(200).optional().describe('Who says it; else the name of the token'),
  comment: z.string().trim().min(1, 'expected a reason').max(2000),
  forMs: z
    .number()
    .min(60_000)
    .max(30 * 86_400_000)
    .describe('How long it holds'),
})

export const liftSchema = z.strictObject({ author: z.string().min(1).max(200).optional() })

export const muteSchema = z.object({
  id: z.string(),
  text: z.string().describe('What is muted, in the words of matchers'),
  author: z.string(),
  comment: z.string(),
  atMs: timeMs,
  endsAtMs: timeMs,
  liftedBy: z.string().describe('Who took it back; empty while nobody has'),
})

export const sessionSchema = z.strictObject({ token: z.string().min(1).max(1000) })

export const problemSchema = z.object({ error: z.string() })

export type Overview = z.infer<typeof overviewSchema>
export type QueryTrouble = z.infer<typeof troubleSchema>
export type SeriesSummary = z.infer<typeof seriesSummarySchema>
export type LabelPair = z.infer<typeof labelPair>
/** With the newest values, oldest first, for a sparkline. */
export type SeriesRow = z.infer<typeof seriesRowSchema>
export type SeriesList = z.infer<typeof seriesListSchema>
export type SeriesDetail = z.infer<typeof seriesDetailSchema>
export type Points = z.infer<typeof pointsSchema>
export type MarkedEpisode = z.infer<typeof markedEpisodeSchema>
export type ExploredSeries = z.infer<typeof exploredSeriesSchema>
export type ExploredAnswer = z.infer<typeof exploredSchema>
export type DriftRequest = z.infer<typeof driftRequestSchema>
export type AnomalyView = z.infer<typeof anomalySchema>
export type NotificationView = z.infer<typeof notificationSchema>
export type JudgementView = z.infer<typeof judgementSchema>
export type AnomalyDetail = z.infer<typeof anomalyDetailSchema>
export type AnomalyStep = z.infer<typeof stepSchema>
export type Precision = z.infer<typeof precisionSchema>
export type ModelView = z.infer<typeof modelSchema>
export type NextRun = z.infer<typeof nextRunSchema>
export type Models = z.infer<typeof modelsSchema>
export type ProcessSettings = z.infer<typeof processSettingsSchema>
export type Settings = z.infer<typeof settingsSchema>
export type MuteView = z.infer<typeof muteSchema>
export type GivenMute = z.input<typeof givenMuteSchema>
export type GivenVerdict = z.input<typeof givenVerdictSchema>

/** Names and bodies of the server-sent events. */
export interface LiveEvents {
  /** About once a second. */
  readonly overview: Overview
  /** Series that changed since the last one, the most anomalous first, at most `liveSeriesLimit`. */
  readonly series: readonly SeriesSummary[]
  /** An anomaly that opened, escalated, ended, was notified or was judged. */
  readonly anomaly: AnomalyView
}
