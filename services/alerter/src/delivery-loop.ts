/**
 * Drives one receiver to the truth about the alerts of one partition: plan, tell, note, wait.
 *
 * What the receiver was told is written to the log before anything else is told, outcomes first, then the progress; a crash in
 * between repeats the last message and loses none. While the log cannot take the note, nothing more is told. Between two plans
 * the loop sleeps until something is due or `ring` says that records came.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAnswer, afterFailure, openGate, type ReceiverGate } from '@lapwing/alerting/receiver-gate'
import {
  type Answered,
  afterDelivered,
  afterFailedAttempt,
  afterRefused,
  type Delivery,
  type Plan,
  planDeliveries,
  type Settlement,
  settle,
} from '@lapwing/alerting/reconcile'
import { type DeliveryError, deliveryErrors } from './delivery-errors.ts'
import type { Note } from './notifications.ts'
import type { Receiver } from './receiver.ts'
import { progressOf, type RouteAlerts, reconciledFor } from './route-alerts.ts'

export interface DeliveryLoopOptions {
  readonly receiver: Receiver
  readonly route: RouteAlerts
  /** True while older records are still being read: what they say may be over by the time they have been. */
  behind(): boolean
  /** Resolves when the notes and the progress of these alerts are on the log, or when the loop is stopped. */
  write(notes: readonly Note[], alertIds: readonly string[]): Promise<void>
  /** A request failed and is made again. */
  onFailure(error: DeliveryError): void
  nowMs(): number
  /** 0 to 1. */
  random(): number
  /** The loop is dead: a bug, or a log that refuses for good. */
  onFatal(error: Error): void
}

export interface DeliveryLoop {
  /** Something may have become due. */
  ring(): void
  /** Lets a request in hand finish for `stopGraceMs`, then cancels it. */
  stop(): Promise<void>
}

/** Within the time a service has for closing. */
const stopGraceMs = 3000
/** Timers are limited to 24 days; a look a minute costs nothing. */
const longestSleepMs = 60_000

export function startDeliveryLoop(options: DeliveryLoopOptions): DeliveryLoop {
  const bell = createBell()
  const stopping = new AbortController()
  const cancelling = new AbortController()
  const ended = run(options, bell, stopping.signal, cancelling.signal).catch(options.onFatal)
  return {
    ring: bell.ring,
    stop: async () => {
      stopping.abort()
      bell.ring()
      const grace = setTimeout(() => cancelling.abort(), stopGraceMs)
      await ended
      clearTimeout(grace)
    },
  }
}

async function run(options: DeliveryLoopOptions, bell: Bell, stopping: AbortSignal, cancelling: AbortSignal): Promise<void> {
  const { receiver, route, nowMs } = options
  let gate = openGate
  while (!stopping.aborted) {
    const plan = options.behind() ? nothingToDo : planDeliveries(reconciledFor(route, receiver.name), receiver.policy, nowMs())
    await noteSettlements(plan.settlements, options)
    const due = plan.deliveries.length > 0
    if (due && gate.opensAtMs <= nowMs()) gate = await tell(plan.deliveries, gate, options, cancelling)
    else await bell.wait((due ? gate.opensAtMs : plan.wakeAtMs) - nowMs())
  }
}

const nothingToDo: Plan = { deliveries: [], settlements: [], wakeAtMs: Number.POSITIVE_INFINITY }

async function noteSettlements(settlements: readonly Settlement[], options: DeliveryLoopOptions): Promise<void> {
  if (settlements.length === 0) return
  const { receiver, route, nowMs } = options
  const progress = route.progress.get(receiver.name)!
  for (const settlement of settlements) {
    const { id } = settlement.alert
    progress.set(id, settle(progressOf(route, receiver.name, id), [settlement]))
  }
  const told = { receiver: receiver.name, attempts: 0, error: undefined, atMs: nowMs() }
  await options.write(
    settlements.map((outcome) => ({ outcome, told })),
    [...new Set(settlements.map(({ alert }) => alert.id))],
  )
}

/** One request; returns when the next may be made. */
async function tell(
  deliveries: readonly Delivery[],
  gate: ReceiverGate,
  options: DeliveryLoopOptions,
  cancelling: AbortSignal,
): Promise<ReceiverGate> {
  const { receiver, nowMs, random } = options
  const errors = await receiver.deliver(deliveries, cancelling)
  const notes = deliveries.flatMap((delivery, i) => noteAnswer(delivery, errors[i], options))
  await options.write(
    notes,
    deliveries.filter((delivery, i) => !delivery.repeated && !isRetryable(errors[i])).map(({ alert }) => alert.id),
  )
  const failed = errors.find(isRetryable)
  const { spacingMs } = receiver.policy
  if (!failed) return afterAnswer(nowMs(), spacingMs)
  options.onFailure(failed)
  return afterFailure(gate, nowMs(), { spacingMs, requestedDelayMs: failed.requestedDelayMs, chance: random() })
}

function noteAnswer(delivery: Delivery, error: DeliveryError | undefined, options: DeliveryLoopOptions): Note[] {
  if (isRetryable(error)) return noteFailure(delivery, error, options)
  const { receiver, route, nowMs } = options
  const { id } = delivery.alert
  const before = progressOf(route, receiver.name, id)
  const answered: Answered = error ? afterRefused(before, delivery, nowMs()) : afterDelivered(before, delivery, nowMs())
  route.progress.get(receiver.name)!.set(id, answered.progress)
  const told = { receiver: receiver.name, attempts: delivery.attempt, error, atMs: nowMs() }
  return answered.settlements.map((outcome) => ({ outcome, told }))
}

/** Pending is noted when the kind of failure is new for this alert. */
function noteFailure(delivery: Delivery, error: DeliveryError, { receiver, route, nowMs, random }: DeliveryLoopOptions): Note[] {
  if (error.code === 'stopping') return []
  const { id } = delivery.alert
  const before = progressOf(route, receiver.name, id)
  const { alertMayBeAtFault } = deliveryErrors[error.code]
  route.progress
    .get(receiver.name)!
    .set(id, afterFailedAttempt(before, nowMs(), { code: error.code, alertMayBeAtFault, chance: random() }))
  if (before.failure === error.code) return []
  const told = { receiver: receiver.name, attempts: delivery.attempt, error, atMs: nowMs() }
  return delivery.records.map((record) => ({
    outcome: { alert: delivery.alert, record, outcome: 'pending', reason: error.code },
    told,
  }))
}

function isRetryable(error: DeliveryError | undefined): error is DeliveryError {
  return error !== undefined && deliveryErrors[error.code].retryable
}

interface Bell {
  ring(): void
  /** Until it rings, at most this long. A ring while nobody waits ends the next wait at once. */
  wait(ms: number): Promise<void>
}

function createBell(): Bell {
  let rung = false
  let wake = () => {}
  return {
    ring: () => {
      rung = true
      wake()
    },
    wait: async (ms) => {
      if (!rung && ms > 0) {
        const woken = new AbortController()
        wake = () => woken.abort()
        // The only rejection is the one that the bell causes.
        await delay(Math.min(ms, longestSleepMs), undefined, { signal: woken.signal }).catch(() => {})
      }
      rung = false
    },
  }
}
