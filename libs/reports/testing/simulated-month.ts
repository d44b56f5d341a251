/**
 * A month of records from a seed, and beside it a plain list of what was put in: one line for each thing that happened, so that whoever reads it can count by
 * other means than the report does.
 */
import type { Anomaly, Feedback, Model, Notification, Severity, Verdict } from '@lapwing/contracts/records'
import { seriesText, sortedLabels } from '@lapwing/contracts/series'
import type { TrueEvent } from '@lapwing/evaluation/event-accuracy'
import type { PeriodRecords } from '../src/period-records.ts'

export const monthFromMs = Date.UTC(2026, 2)
export const monthToMs = Date.UTC(2026, 3)

/** What happened to a series once. */
export interface Happening {
  readonly series: string
  readonly route: string
  readonly model: string
  readonly fromMs: number
  /** null: to the end of the month and beyond. */
  readonly toMs: number | null
  readonly openedAtMs: number
  readonly severity: Severity
  /** Whether something was wrong in truth. */
  readonly isReal: boolean
  readonly outcome: 'told' | 'below_severity' | 'flapping' | 'muted'
  readonly verdict: Verdict | undefined
}

export interface SimulatedMonth {
  readonly records: PeriodRecords
  readonly happenings: readonly Happening[]
  /** Real faults, those that nothing found too. */
  readonly events: readonly TrueEvent[]
}

const minuteMs = 60_000
const dayMs = 1440 * minuteMs
const outcomes = ['told', 'told', 'below_severity', 'below_severity', 'flapping', 'muted'] as const

export function simulatedMonth(seed: number, seriesCount = 24): SimulatedMonth {
  const random = lehmer(seed)
  const happenings: Happening[] = []
  const events: TrueEvent[] = []
  const records = {
    anomalies: [] as Anomaly[],
    notifications: [] as Notification[],
    feedback: [] as Feedback[],
    control: [],
    models: modelsOf(),
  }
  for (let i = 0; i < seriesCount; i++) {
    const labels = sortedLabels([
      ['__name__', ['http_request_duration_seconds:p95', 'node_load1', 'queue_depth'][i % 3]!],
      ['instance', `node-${i}:9100`],
    ])
    for (let atMs = monthFromMs + Math.floor(random() * 9 * dayMs); atMs < monthToMs - 2 * dayMs; ) {
      const happening = drawHappening(seriesText(labels), i, atMs, random)
      const isMissed = happening.isReal && random() < 0.15
      if (happening.isReal) events.push({ series: happening.series, fromMs: happening.fromMs, toMs: happening.toMs ?? monthToMs })
      if (!isMissed) {
        write(happening, happenings.length, labels, records)
        happenings.push(happening)
      }
      if (happening.toMs === null) break
      atMs = happening.toMs + Math.floor((0.5 + 9 * random()) * dayMs)
    }
  }
  return { records, happenings, events }
}

function drawHappening(series: string, i: number, fromMs: number, random: () => number): Happening {
  const outcome = outcomes[Math.floor(random() * outcomes.length)]!
  const isReal = random() < (outcome === 'told' ? 0.85 : 0.2)
  const severity = outcome === 'below_severity' ? 'info' : random() < 0.3 ? 'critical' : 'warning'
  const toMs = random() < 0.02 ? null : fromMs + (10 + Math.floor(random() * 300)) * minuteMs
  const delayMinutes = 1 + Math.floor(random() * 6)
  const said: Verdict = isReal ? 'confirmed' : 'false_alarm'
  return {
    ...{ series, fromMs, toMs, severity, isReal, outcome },
    route: i % 4 === 0 ? 'night' : 'default',
    model: `online-2/${i % 5 === 0 ? 'old' : 'new'}`,
    openedAtMs: fromMs + delayMinutes * minuteMs,
    verdict: outcome === 'told' && random() < 0.5 ? said : undefined,
  }
}

type Written = { anomalies: Anomaly[]; notifications: Notification[]; feedback: Feedback[] }

function write(one: Happening, number: number, labels: Anomaly['labels'], { anomalies, notifications, feedback }: Written): void {
  const episodeId = `episode-${number}`
  const peakScore = one.severity === 'critical' ? 8 + (number % 7) : 2 + (number % 3)
  const opened: Anomaly = {
    ...{
      id: `${episodeId}/open`,
      episodeId,
      state: 'open',
      severity: one.severity,
      seriesKey: one.series,
      entityKey: one.series,
      labels,
    },
    ...{
      metric: labels[0]!.value,
      source: 'simulated',
      model: one.model,
      startedAtMs: one.fromMs,
      observedAtMs: one.openedAtMs,
      endedAtMs: null,
    },
    ...{
      value: 3.5,
      expected: 1.25,
      lower: 0.9,
      upper: 1.6,
      score: peakScore,
      peakScore,
      confidence: 0.9,
      suppressedBy: '',
      signature: null,
      endReason: '',
    },
    reasons: [{ name: 'level', share: 1 }],
  }
  anomalies.push(opened)
  const note = (anomaly: Anomaly, state: 'firing' | 'resolved'): Notification => ({
    ...{
      id: `${anomaly.id}/slack`,
      alertId: episodeId,
      anomalyId: anomaly.id,
      route: one.route,
      receiver: 'slack',
      state,
      severity: one.severity,
    },
    ...{ metric: anomaly.metric, labels, attempts: 1, error: '', atMs: anomaly.observedAtMs + 2000 },
    outcome: one.outcome === 'told' ? 'delivered' : 'suppressed',
    reason: one.outcome === 'told' ? (state === 'firing' ? 'new' : 'resolved') : one.outcome,
  })
  notifications.push(note(opened, 'firing'))
  if (one.toMs !== null) {
    const ended: Anomaly = { ...opened, id: `${episodeId}/end`, state: 'resolved', observedAtMs: one.toMs, endedAtMs: one.toMs }
    anomalies.push(ended)
    notifications.push(note(ended, 'resolved'))
  }
  if (one.verdict) {
    feedback.push({
      ...{
        id: `verdict-${number}`,
        anomalyId: opened.id,
        episodeId,
        seriesKey: one.series,
        verdict: one.verdict,
        author: 'ada',
        comment: '',
      },
      ...{ origin: 'cli', atMs: one.openedAtMs, untilMs: null, startedAtMs: one.fromMs, signature: null },
    })
  }
}

function modelsOf(): Model[] {
  const model: Model = {
    ...{
      modelId: 'm-2',
      scope: 'entity:node-3',
      kind: 'pca',
      state: 'promoted',
      parentId: 'm-1',
      createdAtMs: monthFromMs + 5 * dayMs,
    },
    ...{
      trainedFromMs: monthFromMs,
      trainedToMs: monthFromMs + 5 * dayMs,
      configHash: '',
      dataHash: '',
      metrics: [],
      sha256: '',
      weights: null,
    },
    ...{
      artefactUri: '',
      stateAtMs: monthFromMs + 5.5 * dayMs,
      requestId: '',
      reason: 'drift of most of its series',
      labels: [],
      channels: [],
    },
    ...{ decision: 'found 9 of 10 faults, the one in force 6', stepMs: minuteMs, trainedRows: 7200, controlOffset: 0 },
  }
  return [
    model,
    {
      ...model,
      modelId: 'm-3',
      state: 'rejected',
      stateAtMs: monthFromMs + 20 * dayMs,
      decision: 'no better than the one in force',
    },
  ]
}

/** Park and Miller, "Random number generators: good ones are hard to find", 1988. */
function lehmer(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
