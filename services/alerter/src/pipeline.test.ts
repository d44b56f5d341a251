/**
 * Both stages and the plan together, without I/O: whatever order the records come in, however often, however late, and whatever
 * goes wrong on the way to a receiver, it ends up believing the truth, and every record has one outcome.
 *
 * An order may decide how bad an incident was said to be at its worst, but not what fires in the end.
 */
import { type AlertmanagerAlert, alertmanagerAlerts } from '@lapwing/alerting/alertmanager-alert'
import { conservationBreaches, type RecordOutcome } from '@lapwing/alerting/conservation'
import {
  afterDelivered,
  afterFailedAttempt,
  afterHeld,
  beforeDelivery,
  type Delivery,
  type Plan,
  type Progress,
  type ReceiverPolicy,
  type Settlement,
  settle,
  unsettled,
} from '@lapwing/alerting/reconcile'
import { compareSeverity } from '@lapwing/alerting/severity'
import type { SaidVerdict } from '@lapwing/alerting/verdict'
import type { Anomaly, Severity } from '@lapwing/contracts/records'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anomalyRecord } from '../testing/anomalies.ts'
import { noMutes, routePolicy } from '../testing/routes.ts'
import { encodeProgress, encodeTracked, stateKeys } from './alert-state.ts'
import { decideAlert, defaultRoute, type SeriesState } from './decide-alert.ts'
import type { Receiver } from './receiver.ts'
import {
  acceptAlert,
  emptyRoute,
  itemIdOf,
  judgedAnew,
  pendingCount,
  progressOf,
  type ReceiverUnit,
  type RouteAlerts,
  setProgress,
} from './route-alerts.ts'
import { restoreRoute } from './route-memory.ts'
import { type PlanContext, planRoute, type RoutePolicy } from './route-plan.ts'

const minuteMs = 60_000
/** Flapping begins with the second episode, so that the short stories below have some of it. */
const decisionPolicy = {
  minimumSeverity: 'warning',
  flapping: { slots: 3, slotMs: 40 * minuteMs, startRatio: 0.5, stopRatio: 0.25 },
} as const
const slack: ReceiverPolicy = {
  resendMs: null,
  resendResolvedForMs: 0,
  spacingMs: 1000,
  batchSize: 1,
}
const perSeries: RoutePolicy = { ...routePolicy, incident: { ...routePolicy.incident, groupBy: ['series'] } }
const allInOne: RoutePolicy = { ...perSeries, incident: { ...perSeries.incident, groupBy: [] } }
const alertmanager: ReceiverPolicy = { ...slack, resendMs: minuteMs, resendResolvedForMs: 5 * minuteMs, batchSize: 3 }

/** What becomes of a request: it arrives and is answered, arrives and is not, is lost, or arrives and then the alerter dies. */
type Fate = 'taken' | 'unanswered' | 'lost' | 'killed'

/** A receiver as the messages make it believe, and what the alerter noted about it. */
class World {
  readonly series = new Map<string, SeriesState>()
  route: RouteAlerts
  nowMs = 0
  readonly accepted = new Set<string>()
  readonly outcomes: RecordOutcome[] = []
  /** Slack: id of what it was told to the state it was told last, and the series that it stands for. */
  readonly told = new Map<string, { state: string; series: ReadonlySet<string> }>()
  /** Alertmanager: identity to the end of the alert. */
  readonly active = new Map<string, { severity: Severity; seriesKey: string; endsAtMs: number }>()
  /** What survives a death. */
  private readonly log = new Map<string, Uint8Array>()
  private readonly context: PlanContext
  private readonly it: ReceiverUnit

  /** By episode: they are on a topic of their own, which outlives everything. */
  private readonly verdicts = new Map<string, SaidVerdict>()
  private readonly verdictOf = (id: string) => this.verdicts.get(id)

  constructor(policy: ReceiverPolicy, unit: ReceiverUnit['unit'], routed: RoutePolicy) {
    this.it = { name: 'it', unit }
    this.context = { receiver: { name: 'it', policy, limits: undefined }, policy: routed, mutes: noMutes }
    this.route = emptyRoute([this.it], this.verdictOf)
  }

  say(episodeId: string, verdict: SaidVerdict['verdict']): void {
    this.verdicts.set(episodeId, { verdict, author: 'ann', comment: '', origin: 'slack', atMs: this.nowMs, untilMs: null })
    judgedAnew(this.route, episodeId)
  }

  receive(anomaly: Anomaly): void {
    const { state, alert } = decideAlert(anomaly, this.series.get(anomaly.seriesKey), decisionPolicy)
    this.series.set(anomaly.seriesKey, state)
    const { alertIds } = acceptAlert(this.route, alert, { offset: 0, writtenAtMs: 0 })
    for (const id of alertIds) this.log.set(keys.alert(id), encodeTracked(this.route.alerts.get(id)!))
    for (const tracked of this.route.alerts.values()) for (const record of tracked.records) this.accepted.add(record.id)
  }

  reconcile(fate: Fate): Plan {
    const plan = planRoute(this.route, this.context, this.nowMs)
    for (const settlement of plan.settlements) this.note(settlement.alert.id, [settlement])
    for (const held of plan.held) this.save(held.alert.id, afterHeld(progressOf(this.route, 'it', held.alert.id), held))
    for (const delivery of plan.deliveries) this.deliver(delivery, fate)
    if (fate === 'killed') this.restart()
    return plan
  }

  breaches(): string[] {
    const pending = [...this.route.alerts].flatMap(([id, tracked]) =>
      unsettled(tracked, progressOf(this.route, 'it', itemIdOf(this.route, this.it.unit, id))),
    )
    expect(pendingCount(this.route, 'it')).toBe(pending.length)
    return conservationBreaches(
      [...this.accepted],
      this.outcomes,
      pending.map(({ id }) => id),
    )
  }

  private deliver(delivery: Delivery, fate: Fate): void {
    const { id } = delivery.alert
    const before = progressOf(this.route, 'it', id)
    this.save(id, beforeDelivery(before, delivery))
    if (fate !== 'lost') this.arrive(delivery)
    if (fate === 'killed') return
    if (fate === 'taken') {
      const answered = afterDelivered(before, delivery, this.nowMs)
      this.save(id, answered.progress)
      this.outcomes.push(...answered.settlements.map(toOutcome))
      return
    }
    const { attempted } = fate === 'unanswered' ? beforeDelivery(before, delivery) : before
    this.save(id, afterFailedAttempt(before, this.nowMs, { code: fate, attempted, alertMayBeAtFault: true, chance: 0.5 }))
  }

  private arrive(delivery: Delivery): void {
    const { alert, members } = delivery
    const firing = members.filter(({ state }) => state === 'firing').map(({ seriesKey }) => seriesKey)
    this.told.set(alert.id, { state: alert.state === 'firing' ? alert.severity : 'resolved', series: new Set(firing) })
    const policy = { resendMs: minuteMs, resendResolvedForMs: 5 * minuteMs, pageUrl: 'http://page' }
    for (const posted of alertmanagerAlerts(delivery, policy, { nowMs: this.nowMs, pods: [] }))
      this.post(delivery.alert.seriesKey, posted)
  }

  private post(seriesKey: string, { labels, endsAt }: AlertmanagerAlert): void {
    const severity = labels.severity as Severity
    this.active.set(`${seriesKey} ${severity}`, { severity, seriesKey, endsAtMs: Date.parse(endsAt) })
  }

  private note(id: string, settlements: Settlement[]): void {
    this.save(id, settle(progressOf(this.route, 'it', id), settlements))
    this.outcomes.push(...settlements.map(toOutcome))
  }

  private save(id: string, progress: Progress): void {
    setProgress(this.route, 'it', id, progress)
    const members = [...(this.route.incidents.get(id)?.memberIds ?? [])]
    this.log.set(keys.progress('it', id), encodeProgress({ ...progress, ...(members.length > 0 && { members }) }))
  }

  private restart(): void {
    const places = { receivers: [this.it as Receiver], incident: this.context.policy.incident, verdictOf: this.verdictOf }
    this.route = restoreRoute(this.log, defaultRoute, places, (key, error) => expect.fail(`${key}: ${error.message}`))
  }
}

const keys = stateKeys(defaultRoute)
const toOutcome = ({ record, outcome }: Settlement): RecordOutcome => ({ recordId: record.id, outcome })

const severityOf = fc.constantFrom<Severity>('info', 'warning', 'critical')
interface EpisodeShape {
  readonly first: Severity
  readonly last: Severity
  readonly minutes: number
  readonly ends: boolean
}
const shape: fc.Arbitrary<EpisodeShape> = fc.record({
  first: severityOf,
  last: severityOf,
  minutes: fc.integer({ min: 1, max: 30 }),
  ends: fc.boolean(),
})

/** The records of the episodes of a series, one after the other. */
function recordsOf(series: number, shapes: readonly EpisodeShape[]): Anomaly[] {
  let startedAtMs = 0
  return shapes.flatMap(({ first, last, minutes, ends }, i) => {
    startedAtMs += 40 * minuteMs
    const endedAtMs = startedAtMs + minutes * minuteMs
    const id = `s${series}e${i}`
    const own = { episodeId: id, seriesKey: `s${series}`, startedAtMs, labels: [{ name: 'series', value: String(series) }] }
    const records = [anomalyRecord({ ...own, id: `${id}/opened`, severity: first, observedAtMs: startedAtMs })]
    if (compareSeverity(last, first) > 0)
      records.push(
        anomalyRecord({ ...own, id: `${id}/escalated`, state: 'escalated', severity: last, observedAtMs: endedAtMs - 1 }),
      )
    if (ends)
      records.push(
        anomalyRecord({ ...own, id: `${id}/resolved`, state: 'resolved', severity: last, observedAtMs: endedAtMs, endedAtMs }),
      )
    return records
  })
}

/** What is true of each series: the severity of its newest episode while that lasts and is worth telling. */
function truthOf(records: readonly Anomaly[]): Map<string, Severity> {
  const truth = new Map<string, Severity>()
  for (const seriesKey of new Set(records.map((record) => record.seriesKey))) {
    const own = records.filter((record) => record.seriesKey === seriesKey)
    const newest = own.filter(({ startedAtMs }) => startedAtMs === Math.max(...own.map((record) => record.startedAtMs)))
    const severity = newest
      .map((record) => record.severity)
      .sort(compareSeverity)
      .at(-1)!
    if (newest.every(({ state }) => state !== 'resolved') && compareSeverity(severity, 'warning') >= 0)
      truth.set(seriesKey, severity)
  }
  return truth
}

type Event =
  | { readonly record: Anomaly }
  | { readonly fate: Fate; readonly afterMs: number }
  | { readonly episodeId: string; readonly verdict: 'false_alarm' | 'undone' }

const story = fc
  .array(fc.array(shape, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 })
  .map((series) => series.flatMap((shapes, i) => recordsOf(i, shapes)))
  .chain((records) => {
    const again = fc.array(fc.constantFrom(...records), { maxLength: 6 })
    const tries = fc.array(
      fc.record({
        fate: fc.constantFrom<Fate>('taken', 'unanswered', 'lost', 'killed'),
        afterMs: fc.integer({ min: 0, max: 3 * minuteMs }),
      }),
      { maxLength: 20 },
    )
    return fc.tuple(again, tries).chain(([repeated, steps]) => {
      const events: Event[] = [...[...records, ...repeated].map((record) => ({ record })), ...steps]
      return fc.tuple(fc.constant(records), fc.shuffledSubarray(events, { minLength: events.length }))
    })
  })

/** The same with verdicts of people in between. */
const judgedStory = story.chain(([records, events]) => {
  const verdicts = fc.array(
    fc.record({
      episodeId: fc.constantFrom(...new Set(records.map(({ episodeId }) => episodeId))),
      verdict: fc.constantFrom('false_alarm' as const, 'undone' as const),
    }),
    { minLength: 1, maxLength: 5 },
  )
  return verdicts.chain((said) => {
    const all: Event[] = [...events, ...said]
    return fc.tuple(fc.constant(records), fc.shuffledSubarray(all, { minLength: all.length }))
  })
})

/** Without the series whose newest episode was called a false alarm last. */
function judgedTruthOf(records: readonly Anomaly[], events: readonly Event[]): Map<string, Severity> {
  const last = new Map(events.flatMap((event) => ('verdict' in event ? [[event.episodeId, event.verdict]] : [])))
  const truth = truthOf(records)
  for (const seriesKey of truth.keys()) {
    const own = records.filter((record) => record.seriesKey === seriesKey)
    const newest = own.reduce((a, b) => (b.startedAtMs > a.startedAtMs ? b : a))
    if (last.get(newest.episodeId) === 'false_alarm') truth.delete(seriesKey)
  }
  return truth
}

/** Lives through the events, then has half an hour in which everything works; `check` is called when that has lasted a while. */
function live(world: World, events: readonly Event[], check: (world: World) => void): World {
  world.nowMs = 4 * 60 * minuteMs
  for (const event of events) {
    if ('record' in event) world.receive(event.record)
    else if ('verdict' in event) world.say(event.episodeId, event.verdict)
    else {
      world.nowMs += event.afterMs
      world.reconcile(event.fate)
    }
    expect(world.breaches()).toEqual([])
  }
  for (let second = 0; second < 1800; second += 5) {
    world.nowMs += 5000
    world.reconcile('taken')
    if (second > 150 && second % 15 === 0) check(world)
  }
  return world
}

describe('in the end', { timeout: 30_000 }, () => {
  test.each([
    ['each series', perSeries],
    ['all of them', allInOne],
  ])('Slack was told the truth in incidents of %s, and every record has one outcome', (_, routed) => {
    fc.assert(
      fc.property(story, ([records, events]) => {
        const world = live(new World(slack, 'incident', routed), events, () => {})
        const believed = [...world.told.values()].filter(({ state }) => state !== 'resolved')
        const truth = truthOf(records)
        const incidents = routed === allInOne ? Math.min(1, truth.size) : truth.size
        expect(believed).toHaveLength(incidents)
        const worst = [...truth.values()].sort(compareSeverity).at(-1)
        if (worst) expect(believed.some(({ state }) => compareSeverity(state as Severity, worst) >= 0)).toBe(true)
        if (routed === perSeries) expect(new Set(believed.flatMap(({ series }) => [...series]))).toEqual(new Set(truth.keys()))
        expect(world.breaches()).toEqual([])
        expect(new Set(world.outcomes.map(({ recordId }) => recordId))).toEqual(world.accepted)
      }),
      { numRuns: 300 },
    )
  })

  test('Alertmanager shows the truth without interruption, and every record has one outcome', () => {
    fc.assert(
      fc.property(story, ([records, events]) => {
        const truth = truthOf(records)
        const world = live(new World(alertmanager, 'alert', perSeries), events, ({ active, nowMs }) => {
          const shown = [...active.values()].filter(({ endsAtMs }) => endsAtMs > nowMs)
          expect(new Map(shown.map(({ seriesKey, severity }) => [seriesKey, severity]))).toEqual(truth)
          expect(shown).toHaveLength(truth.size)
        })
        expect(world.breaches()).toEqual([])
        expect(new Set(world.outcomes.map(({ recordId }) => recordId))).toEqual(world.accepted)
      }),
      { numRuns: 200 },
    )
  })

  test('verdicts in between are kept to by Slack and Alertmanager, and every record has one outcome', () => {
    fc.assert(
      fc.property(judgedStory, ([records, events]) => {
        const truth = judgedTruthOf(records, events)
        const people = live(new World(slack, 'incident', perSeries), events, () => {})
        const believed = [...people.told.values()].filter(({ state }) => state !== 'resolved')
        expect(new Set(believed.flatMap(({ series }) => [...series]))).toEqual(new Set(truth.keys()))
        const world = live(new World(alertmanager, 'alert', perSeries), events, () => {})
        const shown = [...world.active.values()].filter(({ endsAtMs }) => endsAtMs > world.nowMs)
        expect(new Map(shown.map(({ seriesKey, severity }) => [seriesKey, severity]))).toEqual(truth)
        for (const each of [people, world]) {
          expect(each.breaches()).toEqual([])
          expect(new Set(each.outcomes.map(({ recordId }) => recordId))).toEqual(each.accepted)
        }
      }),
      { numRuns: 200 },
    )
  })
})
