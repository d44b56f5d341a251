/**
 * Drives one receiver to the truth about the alerts of one partition: plan, tell, note, wait.
 *
 * What is about to be told is written to the log before the request, and what became of it after, before anything else is told.
 * A crash in between repeats the last message and forgets none, so an end is told of everything that may have been seen. While
 * the log cannot take a note, nothing more is told. Between two plans the loop sleeps until something is due or `ring` says that
 * records came.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Digest } from '@lapwing/alerting/digest'
import { afterAnswer, afterFailure, openGate, type ReceiverGate } from '@lapwing/alerting/receiver-gate'
import {
  type Answered,
  afterDelivered,
  afterFailedAttempt,
  afterHeld,
  afterRefused,
  beforeDelivery,
  type Delivery,
  type Plan,
  type Progress,
  type Settlement,
  settle,
} from '@lapwing/alerting/reconcile'
import { DeliveryError, deliveryErrors } from './delivery-errors.ts'
import type { Note } from './notifications.ts'
import type { DeliveryAnswer, Receiver } from './receiver.ts'
import { progressOf, type RouteAlerts, setProgress } from './route-alerts.ts'

export interface DeliveryLoopOptions {
  readonly receiver: Receiver
  readonly route: RouteAlerts
  /** What is to be done for the receiver now. */
  plan(nowMs: number): Plan
  /** A message was sent that is no repetition. */
  onSent(nowMs: number): void
  /** True while older records are still being read: what they say may be over by the time they have been. */
  behind(): boolean
  /** Resolves when the notes and the progress of these items are on the log, all or none, or when the loop is stopped. */
  write(notes: readonly Note[], itemIds: readonly string[]): Promise<void>
  /** As `write`, after all that was given to be written before it, for what no message waits for. */
  writeSoon(notes: readonly Note[], itemIds: readonly string[]): Promise<void>
  /** The digest of what the receiver was not told, when it is due. */
  readonly digest: DigestKeeper
  /** A request failed and is made again. */
  onFailure(error: DeliveryError): void
  nowMs(): number
  /** 0 to 1. */
  random(): number
  /** The loop is dead: a bug, or a log that refuses for good. */
  onFatal(error: Error): void
}

/** Keeps what a receiver is not told, until it is told in sum. */
export interface DigestKeeper {
  /** Name of the route. */
  readonly route: string
  leftOut(settlements: readonly Settlement[], nowMs: number): void
  dueAtMs(): number
  due(nowMs: number): Digest | undefined
  told(nowMs: number): void
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
  const { nowMs } = options
  let gate = openGate
  const unwritten = new Set<Promise<void>>()
  while (!stopping.aborted) {
    const plan = options.behind() ? nothingToDo : options.plan(nowMs())
    const certain = noteCertain(plan, options)
    const isOpen = gate.opensAtMs <= nowMs()
    const digest = options.behind() ? undefined : options.digest.due(nowMs())
    const due = plan.deliveries.length > 0 || digest !== undefined
    if (plan.deliveries.length > 0 && isOpen) {
      gate = await tell(plan.deliveries, certain, gate, options, cancelling)
      continue
    }
    if (certain.itemIds.length > 0) keepUntilDone(unwritten, options.writeSoon(certain.notes, certain.itemIds), options.onFatal)
    if (digest && isOpen) gate = await tellDigest(digest, gate, options, cancelling)
    else await bell.wait((due ? gate.opensAtMs : Math.min(plan.wakeAtMs, options.digest.dueAtMs())) - nowMs())
  }
  await Promise.all(unwritten)
}

/** A record that becomes due must not wait until the outcomes of those before it are written; the end of the loop does. */
function keepUntilDone(pending: Set<Promise<void>>, write: Promise<void>, onFatal: (error: Error) => void): void {
  const done = write.catch(onFatal).finally(() => pending.delete(done))
  pending.add(done)
}

const nothingToDo: Plan = {
  ...{ deliveries: [], held: [], settlements: [], quietUntilMs: new Map() },
  wakeAtMs: Number.POSITIVE_INFINITY,
}

/** What is to be written of a plan whatever becomes of its deliveries. */
interface CertainNotes {
  readonly notes: readonly Note[]
  /** Items whose progress changed by them; they may be held without a note. */
  readonly itemIds: readonly string[]
}

/** Outcomes that need no delivery, and what is held for a reason that is new. */
function noteCertain({ settlements, held }: Plan, options: DeliveryLoopOptions): CertainNotes {
  if (settlements.length === 0 && held.length === 0) return { notes: [], itemIds: [] }
  const { receiver, route, nowMs } = options
  const byItem = new Map<string, Settlement[]>()
  for (const settlement of settlements) grouped(byItem, settlement.alert.id).push(settlement)
  for (const [id, own] of byItem) setProgress(route, receiver.name, id, settle(progressOf(route, receiver.name, id), own))
  for (const each of held) {
    setProgress(route, receiver.name, each.alert.id, afterHeld(progressOf(route, receiver.name, each.alert.id), each))
  }
  options.digest.leftOut(settlements, nowMs())
  const told = { receiver: receiver.name, attempts: 0, detail: '', error: undefined, atMs: nowMs() }
  const waiting = held.flatMap(({ alert, records, hold }) =>
    records.map(
      (record): Note => ({
        outcome: { alert, record, outcome: 'pending', reason: hold.reason },
        told: { ...told, detail: hold.detail },
      }),
    ),
  )
  return {
    notes: [...settlements.map((outcome) => ({ outcome, told })), ...waiting],
    itemIds: [...new Set([...byItem.keys(), ...held.filter(({ records }) => records.length > 0).map(({ alert }) => alert.id)])],
  }
}

function grouped<T>(groups: Map<string, T[]>, key: string): T[] {
  const group = groups.get(key) ?? []
  groups.set(key, group)
  return group
}

/** One request; returns the gate to the next. What is certain is written together with what will have been tried, so a message does not wait for two writes. */
async function tell(
  deliveries: readonly Delivery[],
  certain: CertainNotes,
  gate: ReceiverGate,
  options: DeliveryLoopOptions,
  cancelling: AbortSignal,
): Promise<ReceiverGate> {
  const { receiver, route, nowMs, random } = options
  const started = await noteAttempts(deliveries, certain, options)
  const answers = await receiver.deliver(deliveries, cancelling)
  const errors = answers.map((answer) => (answer instanceof DeliveryError ? answer : undefined))
  // What joined an incident meanwhile brought its own outcomes.
  const before = deliveries.map(({ alert }, i) => ({
    ...started[i]!,
    settled: progressOf(route, receiver.name, alert.id).settled,
  }))
  const notes = deliveries.flatMap((delivery, i) => noteAnswer(delivery, answers[i], before[i]!, options))
  const answered = deliveries.filter((delivery, i) => !delivery.repeated && !isRetryable(errors[i]))
  if (deliveries.some((delivery, i) => !delivery.repeated && !errors[i])) options.onSent(nowMs())
  await options.write(
    notes,
    answered.map(({ alert }) => alert.id),
  )
  const failed = errors.find(isRetryable)
  const { spacingMs } = receiver.policy
  if (!failed) return afterAnswer(nowMs(), spacingMs)
  options.onFailure(failed)
  return afterFailure(gate, nowMs(), { spacingMs, requestedDelayMs: failed.requestedDelayMs, chance: random() })
}

/** A digest that was not taken is told again; it is forgotten when it was, or was refused for good. */
async function tellDigest(
  digest: Digest,
  gate: ReceiverGate,
  { receiver, digest: keeper, write, onFailure, nowMs, random }: DeliveryLoopOptions,
  cancelling: AbortSignal,
): Promise<ReceiverGate> {
  const error = await receiver.tellDigest?.(digest, keeper.route, cancelling)
  const { spacingMs } = receiver.policy
  if (error) onFailure(error)
  if (isRetryable(error)) {
    return afterFailure(gate, nowMs(), { spacingMs, requestedDelayMs: error.requestedDelayMs, chance: random() })
  }
  keeper.told(nowMs())
  await write([], [])
  return afterAnswer(nowMs(), spacingMs)
}

/** Writes what will have been tried. Returns the progress of each as it was. */
async function noteAttempts(
  deliveries: readonly Delivery[],
  certain: CertainNotes,
  { receiver, route, write }: DeliveryLoopOptions,
): Promise<Progress[]> {
  const before = deliveries.map(({ alert }) => progressOf(route, receiver.name, alert.id))
  deliveries.forEach((delivery, i) => {
    setProgress(route, receiver.name, delivery.alert.id, beforeDelivery(before[i]!, delivery))
  })
  const news = deliveries.filter(({ repeated }) => !repeated)
  await write(certain.notes, [...new Set([...certain.itemIds, ...news.map(({ alert }) => alert.id)])])
  return before
}

function noteAnswer(delivery: Delivery, answer: DeliveryAnswer, before: Progress, options: DeliveryLoopOptions): Note[] {
  const error = answer instanceof DeliveryError ? answer : undefined
  if (isRetryable(error)) return noteFailure(delivery, error, before, options)
  const { receiver, route, nowMs } = options
  const messageRef = answer instanceof DeliveryError ? undefined : answer?.messageRef
  const answered: Answered = error
    ? afterRefused(before, delivery, nowMs())
    : afterDelivered(before, delivery, nowMs(), messageRef)
  setProgress(route, receiver.name, delivery.alert.id, answered.progress)
  const told = { receiver: receiver.name, attempts: delivery.attempt, detail: '', error, atMs: nowMs() }
  return answered.settlements.map((outcome) => ({ outcome, told }))
}

/** Pending is noted when the kind of failure is new for this alert. */
function noteFailure(delivery: Delivery, error: DeliveryError, before: Progress, options: DeliveryLoopOptions): Note[] {
  if (error.code === 'stopping') return []
  const { receiver, route, nowMs, random } = options
  const { mayHaveArrived, alertMayBeAtFault } = deliveryErrors[error.code]
  const { attempted } = mayHaveArrived ? beforeDelivery(before, delivery) : before
  const failed = { code: error.code, attempted, alertMayBeAtFault, chance: random() }
  setProgress(route, receiver.name, delivery.alert.id, afterFailedAttempt(before, nowMs(), failed))
  if (before.failure === error.code) return []
  const told = { receiver: receiver.name, attempts: delivery.attempt, detail: '', error, atMs: nowMs() }
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
