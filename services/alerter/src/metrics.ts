/**
 * What the alerter tells Prometheus of itself. The conservation law can be read off it, per receiver:
 * `lapwing_alerts_accepted_total` = sum of `lapwing_notifications_total` + `lapwing_notifications_pending`. Pending is counted
 * from the alerts in memory and not from the other two, so that a difference shows.
 */
import { type Allowance, requiredScore, sentWithin } from '@lapwing/alerting/limits'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { BreakerState, Receiver } from './receiver.ts'

/** Every outcome there is, with its reasons: label sets that exist from the start. */
const reasons = {
  delivered: ['new', 'escalated', 'resolved', 'began_anew', 'superseded', 'still_firing'],
  suppressed: [
    ...['duplicate', 'grouped', 'below_severity', 'outdated', 'superseded', 'over_before_told'],
    ...['canary', 'flapping', 'muted', 'too_short', 'grouping', 'over_budget', 'rate_limited'],
    ...['false_alarm', 'expected', 'known'],
  ],
  dead_lettered: ['refused'],
} as const

const breakerStates: readonly BreakerState[] = ['closed', 'half_open', 'open']

export interface AlerterMetrics {
  /** Receivers that are told from now on. */
  introduce(receivers: readonly Receiver[]): void
  accepted(receiver: string, records: number): void
  /** Records without an outcome that were read back. What this process has counted at the same place before is not counted again. */
  takenOver(place: string, receiver: string, records: number): void
  /** Records without an outcome that somebody goes on with, or this process later. */
  handedBack(place: string, receiver: string, records: number): void
  settled(receiver: string, outcome: keyof typeof reasons, reason: string): void
  latency(receiver: string, ms: number): void
  failed(receiver: string, code: string): void
  stateDamaged(): void
  mutesRefused(origin: string): void
  /** What somebody said of an episode, or why it was not taken. */
  feedback(origin: 'slack' | 'api' | 'alertmanager', outcome: string, episodes: number): void
  /** After a message on a route with a budget. */
  threshold(route: string, receiver: string, sentAtMs: readonly number[], budget: Allowance, nowMs: number): void
}

export function createAlerterMetrics(
  registry: Registry,
  receivers: () => readonly Receiver[],
  pending: (receiver: string) => number,
): AlerterMetrics {
  const registers = [registry]
  const accepted = new Counter({
    name: 'lapwing_alerts_accepted_total',
    help: 'Alert records taken on for a receiver, those taken over after a restart included.',
    labelNames: ['receiver'],
    registers,
  })
  const settled = new Counter({
    name: 'lapwing_notifications_total',
    help: 'Alert records with their final outcome for a receiver.',
    labelNames: ['receiver', 'outcome', 'reason'],
    registers,
  })
  const latency = new Histogram({
    name: 'lapwing_notification_latency_seconds',
    help: 'Time from the alert record on the log to its delivery.',
    labelNames: ['receiver'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800],
    registers,
  })
  const failed = new Counter({
    name: 'lapwing_delivery_failures_total',
    help: 'Attempts that failed and are made again.',
    labelNames: ['receiver', 'code'],
    registers,
  })
  const damaged = new Counter({
    name: 'lapwing_alert_state_damaged_total',
    help: 'Snapshots of alert state that could not be read.',
    registers,
  })
  const refused = new Counter({
    name: 'lapwing_mutes_refused_total',
    help: 'Files of mutes, or answers of Alertmanager, that could not be used; the last good mutes stayed in force.',
    labelNames: ['origin'],
    registers,
  })
  const feedback = new Counter({
    name: 'lapwing_feedback_total',
    help: 'Verdicts on episodes that were written to the log, by verdict, and requests that were refused, by reason.',
    labelNames: ['origin', 'outcome'],
    registers,
  })
  const used = new Gauge({
    name: 'lapwing_route_budget_used',
    help: 'Notifications of a route within the time of its budget, at the last one.',
    labelNames: ['route', 'receiver'],
    registers,
  })
  const required = new Gauge({
    name: 'lapwing_route_required_score',
    help: 'Score that an incident below critical must have to be told within the budget of its route; 1 is any anomaly.',
    labelNames: ['route', 'receiver'],
    registers,
  })
  addGauges(registry, receivers, pending)
  const handedBack = new Map<string, number>()
  return {
    introduce: (introduced) => {
      for (const { name: receiver } of introduced) {
        accepted.inc({ receiver }, 0)
        for (const [outcome, names] of Object.entries(reasons))
          for (const reason of names) settled.inc({ receiver, outcome, reason }, 0)
      }
    },
    takenOver: (place, receiver, records) => {
      const counted = handedBack.get(`${place}/${receiver}`) ?? 0
      handedBack.delete(`${place}/${receiver}`)
      accepted.inc({ receiver }, Math.max(0, records - counted))
    },
    handedBack: (place, receiver, records) => void handedBack.set(`${place}/${receiver}`, records),
    accepted: (receiver, records) => accepted.inc({ receiver }, records),
    settled: (receiver, outcome, reason) => settled.inc({ receiver, outcome, reason: knownReason(outcome, reason) }),
    latency: (receiver, ms) => latency.observe({ receiver }, ms / 1000),
    failed: (receiver, code) => failed.inc({ receiver, code }),
    stateDamaged: () => damaged.inc(),
    mutesRefused: (origin) => refused.inc({ origin }),
    feedback: (origin, outcome, episodes) => feedback.inc({ origin, outcome }, episodes),
    threshold: (route, receiver, sentAtMs, budget, nowMs) => {
      used.set({ route, receiver }, sentWithin(sentAtMs, budget.perMs, nowMs))
      required.set({ route, receiver }, requiredScore(sentAtMs, budget, nowMs))
    },
  }
}

function addGauges(registry: Registry, receivers: () => readonly Receiver[], pending: (receiver: string) => number): void {
  new Gauge({
    name: 'lapwing_notifications_pending',
    help: 'Alert records without an outcome yet for a receiver.',
    labelNames: ['receiver'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { name: receiver } of receivers()) this.set({ receiver }, pending(receiver))
    },
  })
  new Gauge({
    name: 'lapwing_receiver_breaker_state',
    help: '1 for the state that the circuit breaker of a receiver is in.',
    labelNames: ['receiver', 'state'],
    registers: [registry],
    collect() {
      this.reset()
      for (const receiver of receivers()) {
        for (const state of breakerStates) this.set({ receiver: receiver.name, state }, receiver.breakerState() === state ? 1 : 0)
      }
    },
  })
}

/** Reasons come from records; a label must stay bounded whatever stands there. */
function knownReason(outcome: keyof typeof reasons, reason: string): string {
  return (reasons[outcome] as readonly string[]).includes(reason) ? reason : 'other'
}
