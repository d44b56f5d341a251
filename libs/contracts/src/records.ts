/** Types of the records on the log. Generated from the schemas by `generate-records.ts`; do not edit. */

/** history: learned from, never alerted on. */
export type BatchKind = 'live' | 'history'

/** The identity of the series in a batch, as columns. Labels are dictionary-coded, so a reader that knows a key never touches their text. */
export interface SeriesTable {
  /** 16 bytes a series: the 128-bit series key. */
  readonly keys: Buffer
  /** 16 bytes a series: the 128-bit entity key, which decides the partition. */
  readonly entities: Buffer
  /** uint32 little-endian, one more than there are series: where in labelSymbols the pairs of a series start. */
  readonly labelStarts: Buffer
  /** uint32 little-endian: name and value of each label in turn, as numbers of symbols; pairs sorted by name. */
  readonly labelSymbols: Buffer
  /** uint32 little-endian, one more than there are symbols: where in symbols each text starts. */
  readonly symbolStarts: Buffer
  /** The texts, UTF-8, one after the other. */
  readonly symbols: Buffer
}

/** Samples of the series of one partition from one poll or one remote-write request, column by column. */
export interface SampleBatch {
  /** Query id of a poll, or remote-write. */
  readonly source: string
  /** Whether these samples are news or warm-up. */
  readonly kind: BatchKind
  /** Nominal distance between two samples of a series in milliseconds, 0 when unknown. */
  readonly stepMs: number
  /** Newest timestamp in the batch, milliseconds since the epoch. */
  readonly newestMs: number
  /** The series of this batch. */
  readonly series: SeriesTable
  /** uint32 little-endian: number of samples of each series; the columns below are concatenated in this order. */
  readonly samplesPerSeries: Buffer
  /** float64 little-endian: milliseconds since the epoch, rising within a series. */
  readonly timestampsMs: Buffer
  /** float64 little-endian, in the unit of the metric. Meaningless where the stale flag is set. */
  readonly values: Buffer
  /** One byte a sample: bit 0 imputed, bit 1 stale marker. */
  readonly flags: Buffer
}

/** What the detector made of one sample batch: the same series and samples in the same order. */
export interface ScoreBatch {
  /** Source of the samples. */
  readonly source: string
  /** Kind of the sample batch. */
  readonly kind: BatchKind
  /** Offset of the sample batch in its partition of the samples topic. */
  readonly sourceOffset: number
  /** As in the sample batch. */
  readonly stepMs: number
  /** Newest timestamp in the batch, milliseconds since the epoch. */
  readonly newestMs: number
  /** Name and configuration hash of the model that scored. */
  readonly model: string
  /** The series of this batch. */
  readonly series: SeriesTable
  /** uint32 little-endian: number of samples of each series. */
  readonly samplesPerSeries: Buffer
  /** float64 little-endian: milliseconds since the epoch. */
  readonly timestampsMs: Buffer
  /** float64 little-endian: the sample as it was scored. */
  readonly values: Buffer
  /** One byte a sample: bit 0 imputed, bit 1 stale marker. */
  readonly flags: Buffer
  /** float32 little-endian: at least 0, above 1 anomalous. */
  readonly scores: Buffer
  /** float32 little-endian: expected value in the unit of the metric. */
  readonly expected: Buffer
  /** float32 little-endian: lower edge of the expected band. */
  readonly lower: Buffer
  /** float32 little-endian: upper edge of the expected band. */
  readonly upper: Buffer
  /** float32 little-endian: 0 to 1; 0 while warming up. */
  readonly confidence: Buffer
  /** One byte a sample: state of the series after it, a number of seriesStates. */
  readonly states: Buffer
  /** float64 little-endian: the number that belongs to the state: share of the warm-up done, share of gaps, or since when, in milliseconds since the epoch. */
  readonly stateDetails: Buffer
  /** One byte a sample: number of the strongest reason in reasonNames. */
  readonly reasons: Buffer
}

export type AnomalyState = 'unknown' | 'open' | 'escalated' | 'resolved'

export type Severity = 'info' | 'warning' | 'critical'

/** One label of a series. */
export interface Label {
  /** Label name. */
  readonly name: string
  /** Label value. */
  readonly value: string
}

/** A named share of the score. */
export interface Reason {
  /** level, spike, season, flatline, silence or another name in the documentation. */
  readonly name: string
  /** Part of the score, 0 to 1; all shares sum to 1. */
  readonly share: number
}

/** What an episode was like, so that a verdict on it can tell others like it. Deviations are in half-widths of the expected band. */
export interface EpisodeSignature {
  /** Deviation of the sample that opened it; negative below the expected value. */
  readonly openingDeviations: number
  /** The same in the unit of the metric. */
  readonly openingExcursion: number
  /** Largest deviation above the expected value, so far. */
  readonly upDeviations: number
  /** Largest deviation below it, so far. */
  readonly downDeviations: number
  /** The same as upDeviations, in the unit of the metric. */
  readonly upExcursion: number
  /** The same as downDeviations, in the unit of the metric. */
  readonly downExcursion: number
  /** Samples whose score was above 1, so far. */
  readonly anomalousSamples: number
  /** Why it opened. */
  readonly reasons: readonly Reason[]
}

/** An anomalous episode of one series: a record when it opens, when its severity rises, and when it is resolved. */
export interface Anomaly {
  /** Identity of this record: the same input gives the same id, so duplicates can be dropped. */
  readonly id: string
  /** Identity of the episode: shared by the record that opens it and the one that resolves it. */
  readonly episodeId: string
  /** What happened to the episode. */
  readonly state: AnomalyState
  /** How unusual it is for this series and how long it has lasted. */
  readonly severity: Severity
  /** 128-bit series key, 32 hexadecimal digits. */
  readonly seriesKey: string
  /** 128-bit entity key, 32 hexadecimal digits. */
  readonly entityKey: string
  /** Metric name, or the PromQL that made the series. */
  readonly metric: string
  /** All labels of the series, sorted by name. */
  readonly labels: readonly Label[]
  /** Query id of a poll, or remote-write. */
  readonly source: string
  /** Name and configuration hash of the model. */
  readonly model: string
  /** Time of the first anomalous sample, milliseconds since the epoch. */
  readonly startedAtMs: number
  /** Time of the sample that led to this record, milliseconds since the epoch. */
  readonly observedAtMs: number
  /** Time of the first normal sample after it, once resolved. */
  readonly endedAtMs: null | number
  /** Actual value, in the unit of the metric. */
  readonly value: number
  /** Expected value. */
  readonly expected: number
  /** Lower edge of the expected band. */
  readonly lower: number
  /** Upper edge of the expected band. */
  readonly upper: number
  /** At least 0; above 1 anomalous. */
  readonly score: number
  /** Largest score of the episode so far. */
  readonly peakScore: number
  /** 0 to 1. */
  readonly confidence: number
  /** Why, strongest first. */
  readonly reasons: readonly Reason[]
  /** Verdict that holds the episode at severity info: false_alarm, expected or known; empty when none does. */
  readonly suppressedBy: string
  /** What the episode was like, to be handed back with a verdict. */
  readonly signature: null | EpisodeSignature
  /** Why it ended when not because the series was normal again or gone: began_anew, the detector lost what it knew of it; else empty. */
  readonly endReason: string
}

export type ControlKind = 'unknown' | 'retrain' | 'promote' | 'rollback' | 'reset'

/** Asks for, or tells of, a change to models: retraining, promotion, rollback. */
export interface Control {
  /** Identity: a function of scope, kind and cause, so that a repeated request is recognised. */
  readonly id: string
  /** What to do. */
  readonly kind: ControlKind
  /** What it is about: series:<key>, entity:<key> or model:<id>. */
  readonly scope: string
  /** Why, for a person. */
  readonly reason: string
  /** Who noticed: adwin, ddm, schedule, person. */
  readonly detector: string
  /** The statistic that led to it. */
  readonly statistic: number
  /** The bound it crossed. */
  readonly threshold: number
  /** The series concerned, 32 hexadecimal digits, or empty. */
  readonly seriesKey: string
  /** Labels of that series. */
  readonly labels: readonly Label[]
  /** Service or person. */
  readonly requestedBy: string
  /** Event time, milliseconds since the epoch. */
  readonly requestedAtMs: number
}

export type ModelState = 'unknown' | 'requested' | 'trained' | 'validated' | 'shadow' | 'promoted' | 'rejected' | 'rolled_back'

/** A named number. */
export interface Metric {
  /** Name. */
  readonly name: string
  /** Value. */
  readonly value: number
}

/** A version of a model: its life, its numbers, and its weights or where they are. The newest record of an id holds. */
export interface Model {
  /** Identity of the model, version included. */
  readonly modelId: string
  /** What it scores: series:<key>, entity:<key> or cohort:<name>. */
  readonly scope: string
  /** half-space-trees, isolation-forest, autoencoder, vae, lstm-autoencoder, pca or cohort-prior. */
  readonly kind: string
  /** Where in its life it is. */
  readonly state: ModelState
  /** The version it was meant to replace, or empty. */
  readonly parentId: string
  /** Time of the request that it answers, milliseconds since the epoch. */
  readonly createdAtMs: number
  /** Start of the training range. */
  readonly trainedFromMs: number
  /** End of the training range. */
  readonly trainedToMs: number
  /** Hash of the configuration it was trained with. */
  readonly configHash: string
  /** Hash of the data it was trained on. */
  readonly dataHash: string
  /** Validation numbers. */
  readonly metrics: readonly Metric[]
  /** Of the weights, hexadecimal. */
  readonly sha256: string
  /** The weights, up to 900 KB. */
  readonly weights: null | Buffer
  /** Where larger weights are, or empty. */
  readonly artefactUri: string
  /** When it came into its state, milliseconds since the epoch; of several promoted versions of a scope the newest is in force. */
  readonly stateAtMs: number
  /** Identity of the control record that asked for it, or empty. */
  readonly requestId: string
  /** Why it was asked for, for a person. */
  readonly reason: string
  /** Why it is in its state, with the numbers, for a person. */
  readonly decision: string
  /** Labels of what it scores, sorted by name. */
  readonly labels: readonly Label[]
  /** The series it was trained on, in the order of its inputs. */
  readonly channels: readonly string[]
  /** Distance of two of its rows, milliseconds. */
  readonly stepMs: number
  /** Rows it was trained on. */
  readonly trainedRows: number
  /** Of the record registry-position alone: offset of the last control record of the partition that was decided on. */
  readonly controlOffset: number
}

export type AlertState = 'unknown' | 'firing' | 'resolved'

export type AlertDecision = 'unknown' | 'notify' | 'suppress'

/** What the per-series decisions (duplicates, flapping, mutes) let through or held back, on its way to the routes. */
export interface Alert {
  /** Identity of the alert: that of the episode. */
  readonly id: string
  /** Identity of this record, a function of the anomaly record. */
  readonly recordId: string
  /** Name of the route. */
  readonly route: string
  /** The true state. */
  readonly state: AlertState
  /** What was decided for this series. */
  readonly decision: AlertDecision
  /** Named reason of the decision: new, escalated, resolved, duplicate, flapping, muted, below_severity … */
  readonly reason: string
  /** Severity of the anomaly. */
  readonly severity: Severity
  /** Id of the anomaly record behind it. */
  readonly anomalyId: string
  /** 32 hexadecimal digits. */
  readonly seriesKey: string
  /** 32 hexadecimal digits. */
  readonly entityKey: string
  /** Metric name or PromQL. */
  readonly metric: string
  /** All labels of the series. */
  readonly labels: readonly Label[]
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number
  /** Milliseconds since the epoch. */
  readonly observedAtMs: number
  /** Once resolved. */
  readonly endedAtMs: null | number
  /** Actual value. */
  readonly value: number
  /** Expected value. */
  readonly expected: number
  /** Lower edge of the expected band. */
  readonly lower: number
  /** Upper edge of the expected band. */
  readonly upper: number
  /** Score of the anomaly. */
  readonly score: number
  /** Reasons of the anomaly, strongest first. */
  readonly reasons: readonly Reason[]
}

/** The state of one key (series, query, alert) in a compacted state topic, stamped with the input it has learned. */
export interface StateSnapshot {
  /** Layout of the snapshot. */
  readonly version: number
  /** Hash of the configuration the state belongs to. */
  readonly configHash: string
  /** Offset of the last input record in it; -1 when there is none. */
  readonly sourceOffset: number
  /** The state itself, in the layout of its owner. */
  readonly snapshot: Buffer
  /** CRC-32 (as in gzip) of the snapshot, as a signed 32-bit number. */
  readonly crc32: number
}

/** How far another topic has taken effect in a state. */
export interface SidePosition {
  /** Full name of the topic. */
  readonly topic: string
  /** Partition. */
  readonly partition: number
  /** First offset that is not in the state. */
  readonly nextOffset: number
}

/** Closes a checkpoint of one partition: what is complete, and how to check it. */
export interface StateMarker {
  /** Layout of the marker. */
  readonly version: number
  /** Hash of the configuration. */
  readonly configHash: string
  /** Last input offset of the checkpoint. */
  readonly sourceOffset: number
  /** Number of live keys. */
  readonly keyCount: number
  /** Digest over all keys and their source offsets. */
  readonly digest: string
  /** What the state has taken in from topics beside its input; a topic that is absent, nothing of it. */
  readonly sidePositions: readonly SidePosition[]
}

export type NotificationOutcome = 'unknown' | 'delivered' | 'suppressed' | 'dead_lettered' | 'pending'

/** The outcome of one alert for one receiver: delivered, suppressed with its reason, dead-lettered, or pending. */
export interface Notification {
  /** Identity of this outcome. */
  readonly id: string
  /** The alert. */
  readonly alertId: string
  /** The anomaly record behind it. */
  readonly anomalyId: string
  /** Name of the route. */
  readonly route: string
  /** slack, alertmanager, log … */
  readonly receiver: string
  /** What became of it. */
  readonly outcome: NotificationOutcome
  /** Named reason, for every outcome. */
  readonly reason: string
  /** The state that was, or would have been, told. */
  readonly state: AlertState
  /** Severity. */
  readonly severity: Severity
  /** Metric name or PromQL. */
  readonly metric: string
  /** Labels of the series. */
  readonly labels: readonly Label[]
  /** Deliveries tried. */
  readonly attempts: number
  /** Last error, secrets removed, or empty. */
  readonly error: string
  /** When, milliseconds since the epoch. */
  readonly atMs: number
}

export type Verdict = 'unknown' | 'confirmed' | 'false_alarm' | 'expected' | 'known' | 'new_normal' | 'undone'

/** A verdict of a person on an anomaly. */
export interface Feedback {
  /** Identity of the verdict. */
  readonly id: string
  /** The anomaly record. */
  readonly anomalyId: string
  /** The episode. */
  readonly episodeId: string
  /** 32 hexadecimal digits. */
  readonly seriesKey: string
  /** What the person said. */
  readonly verdict: Verdict
  /** Who. */
  readonly author: string
  /** Why. */
  readonly comment: string
  /** slack, page, cli or alertmanager. */
  readonly origin: string
  /** When, milliseconds since the epoch. */
  readonly atMs: number
  /** End of a verdict that holds for a time. */
  readonly untilMs: null | number
  /** Start of the episode, milliseconds since the epoch; 0 when unknown. */
  readonly startedAtMs: number
  /** That of the anomaly record; without it the verdict holds for its own episode only. */
  readonly signature: null | EpisodeSignature
}

/** A record that could not be processed, with its original bytes and the reason. */
export interface DeadLetter {
  /** Bounded code of the reason. */
  readonly reason: string
  /** The message, for a person. */
  readonly error: string
  /** Who gave up on it. */
  readonly service: string
  /** Topic it was read from. */
  readonly topic: string
  /** Partition it was read from. */
  readonly partition: number
  /** Offset it had. */
  readonly offset: number
  /** Timestamp it had, milliseconds since the epoch. */
  readonly timestampMs: number
  /** Its key. */
  readonly key: null | Buffer
  /** Its value, byte for byte. */
  readonly value: null | Buffer
}

/** Which replica of a Prometheus pair is to be listened to. The first claim of a term wins; a renewal says that its replica is alive. */
export interface ReplicaClaim {
  /** Tenant of the senders; empty: none. */
  readonly tenant: string
  /** What the replicas of a pair have in common. */
  readonly cluster: string
  /** Name of the replica. */
  readonly replica: string
  /** Number of the election, rising from 1. */
  readonly term: number
  /** Written by an ingestor that has seen the claim of this term win. */
  readonly isRenewal: boolean
  /** When the replica was heard, milliseconds since the epoch. */
  readonly atMs: number
}

/** One condition on a label of an alert. */
export interface MuteMatcher {
  /** Label name. */
  readonly label: string
  /** =, !=, =~ or !~. */
  readonly operator: string
  /** Text or RE2 pattern. */
  readonly value: string
}

/** What a person asked not to be told of, for a time. The newest record of an id counts. */
export interface Mute {
  /** Identity of the mute. */
  readonly id: string
  /** All of them must hold. */
  readonly matchers: readonly MuteMatcher[]
  /** Beginning, milliseconds since the epoch. */
  readonly startsAtMs: number
  /** End, milliseconds since the epoch, not included. */
  readonly endsAtMs: number
  /** Who. */
  readonly author: string
  /** Why. */
  readonly comment: string
  /** Where it was said: page. */
  readonly origin: string
  /** When it was said, milliseconds since the epoch. */
  readonly atMs: number
  /** Who took it back; empty while nobody has. */
  readonly liftedBy: string
  /** When it was taken back, milliseconds since the epoch. */
  readonly liftedAtMs: null | number
}

/** Something that is set and does not work now. */
export interface Trouble {
  /** Identity of what does not work: the id of a query. */
  readonly subject: string
  /** The same for a person: its PromQL. */
  readonly text: string
  /** Why, as one of the words that docs/metrics.md counts it by. */
  readonly reason: string
  /** What the other side said. */
  readonly message: string
  /** From when on its samples are missing, milliseconds since the epoch. */
  readonly sinceMs: number
  /** When it was tried last, milliseconds since the epoch. */
  readonly atMs: number
}

/** The settings that a process runs with, and what of them does not work now; told again from time to time while it lives. */
export interface ServiceSettings {
  /** Name of the service. */
  readonly service: string
  /** Host and process, so that replicas can be told apart. */
  readonly instance: string
  /** What is running. */
  readonly version: string
  /** Start of the process, milliseconds since the epoch. */
  readonly startedAtMs: number
  /** When it was told, milliseconds since the epoch. */
  readonly atMs: number
  /** Its sections of the configuration with defaults, without secrets. */
  readonly yaml: string
  /** What does not work; a hundred at most. */
  readonly troubles: readonly Trouble[]
}

export type PodEventKind = 'unknown' | 'container_ended' | 'not_ready' | 'evicted'

/** Something that happened to a pod of a Kubernetes cluster: context for incidents, never an anomaly. */
export interface PodEvent {
  /** Identity of this event: the same happening gives the same id, whoever reports it. */
  readonly id: string
  /** What happened. */
  readonly kind: PodEventKind
  /** Namespace of the pod. */
  readonly namespace: string
  /** Name of the pod. */
  readonly pod: string
  /** Name of the container; empty where it is the whole pod. */
  readonly container: string
  /** Name of the node it is on; empty when not placed. */
  readonly node: string
  /** The cluster's word for it, such as OOMKilled or Error; may be empty. */
  readonly reason: string
  /** Exit code of a container that ended. */
  readonly exitCode: number
  /** How often the container has been started again. */
  readonly restarts: number
  /** The cluster's sentence about it, cut; may be empty. */
  readonly message: string
  /** When it happened by the cluster's clock, milliseconds since the epoch. */
  readonly atMs: number
}
