import { parseMatcher } from '@lapwing/alerting/matcher'
import type { Mute } from '@lapwing/alerting/mute'
import { afterDelivered, beforeDelivery, type ReceiverPolicy } from '@lapwing/alerting/reconcile'
import type { SaidVerdict } from '@lapwing/alerting/verdict'
import type { Anomaly } from '@lapwing/contracts/records'
import { describe, expect, test } from 'vitest'
import { anomalyRecord } from '../testing/anomalies.ts'
import { noMutes, routePolicy } from '../testing/routes.ts'
import { decideAlert } from './decide-alert.ts'
import { acceptAlert, emptyRoute, judgedAnew, progressOf, setProgress, wakeAll } from './route-alerts.ts'
import { type Mutes, planRoute, type RoutePolicy } from './route-plan.ts'

const minuteMs = 60_000
const slack: ReceiverPolicy = { resendMs: null, resendResolvedForMs: 0, spacingMs: 0, batchSize: 1 }
const decisionPolicy = {
  minimumSeverity: 'warning',
  flapping: { slots: 20, slotMs: 180_000, startRatio: 0.5, stopRatio: 0.25 },
} as const
const first = anomalyRecord({})
const startMs = first.startedAtMs
const on = (series: string, differences: Partial<Anomaly> = {}) =>
  anomalyRecord({ id: `${series}/1`, episodeId: series, seriesKey: series, ...differences })
const end = (series: string, endedAtMs: number) => on(series, { id: `${series}/2`, state: 'resolved', endedAtMs })

/** A route with one receiver of incidents, and what it is told, in words. */
function world(differences: Partial<RoutePolicy> = {}, mutes: Mutes = noMutes) {
  const verdicts = new Map<string, SaidVerdict>()
  const route = emptyRoute([{ name: 'slack', unit: 'incident' }], (id) => verdicts.get(id))
  const policy = { ...routePolicy, ...differences }
  const context = { receiver: { name: 'slack', policy: slack, limits: { rateLimit: undefined } }, policy, mutes }
  const receive = (...anomalies: Anomaly[]) => {
    for (const anomaly of anomalies) {
      acceptAlert(route, decideAlert(anomaly, undefined, decisionPolicy).alert, { offset: 0, writtenAtMs: 0 })
    }
  }
  const tell = (nowMs: number): string[] => {
    const told: string[] = []
    for (;;) {
      const [delivery] = planRoute(route, context, nowMs).deliveries
      if (!delivery) return told
      const before = progressOf(route, 'slack', delivery.alert.id)
      setProgress(route, 'slack', delivery.alert.id, beforeDelivery(before, delivery))
      setProgress(route, 'slack', delivery.alert.id, afterDelivered(before, delivery, nowMs).progress)
      told.push(`${delivery.alert.state} ${delivery.alert.severity}: ${delivery.members.map(({ id }) => id).join(' ')}`)
    }
  }
  const reasons = (nowMs: number) => {
    const plan = planRoute(route, context, nowMs)
    return [...plan.held.map(({ hold }) => `held ${hold.reason}`), ...plan.settlements.map(({ reason }) => reason)]
  }
  const say = (episode: string, verdict: SaidVerdict['verdict'], differences: Partial<SaidVerdict> = {}) => {
    const said = { verdict, author: 'ann', comment: '', origin: 'slack', atMs: startMs + minuteMs, untilMs: null }
    verdicts.set(episode, { ...said, ...differences })
    judgedAnew(route, episode)
  }
  return { route, receive, tell, reasons, say, wakeAtMs: (nowMs: number) => planRoute(route, context, nowMs).wakeAtMs }
}

describe('an incident', () => {
  test('is one message for all series of a machine, and one for the end of the last', () => {
    const { receive, tell, reasons } = world()
    receive(on('a'), on('b'))
    expect(tell(startMs)).toEqual(['firing warning: a b'])
    receive(on('c'), end('a', startMs + minuteMs))
    expect(reasons(startMs + minuteMs)).toEqual(['grouped', 'grouped'])
    expect(tell(startMs + minuteMs)).toEqual([])
    receive(end('b', startMs + minuteMs), end('c', startMs + 2 * minuteMs))
    expect(tell(startMs + 2 * minuteMs)).toEqual(['resolved warning: a b c'])
  })

  test('is told again when it becomes broad', () => {
    const { receive, tell } = world({ incident: { ...routePolicy.incident, broadSeries: 3 } })
    receive(on('a'))
    expect(tell(startMs)).toEqual(['firing warning: a'])
    receive(on('b'), on('c'))
    expect(tell(startMs)).toEqual(['firing critical: a b c'])
  })

  test('that comes back soon is told once it has fired for a while, and is another one later', () => {
    const { route, receive, tell } = world()
    receive(on('a'))
    tell(startMs)
    receive(end('a', startMs + minuteMs))
    expect(tell(startMs + minuteMs)).toEqual(['resolved warning: a'])
    receive(on('b', { startedAtMs: startMs + 5 * minuteMs }))
    expect(tell(startMs + 5 * minuteMs)).toEqual([])
    expect(tell(startMs + 10 * minuteMs)).toEqual(['firing warning: a b'])
    receive(end('b', startMs + 11 * minuteMs))
    tell(startMs + 11 * minuteMs)
    receive(on('c', { startedAtMs: startMs + 60 * minuteMs }))
    expect(tell(startMs + 60 * minuteMs)).toEqual(['firing warning: c'])
    expect([...route.incidents.keys()]).toEqual(['a', 'c'])
  })

  test('that comes back worse than ever is told at once', () => {
    const { receive, tell } = world()
    receive(on('a'))
    tell(startMs)
    receive(end('a', startMs + minuteMs))
    tell(startMs + minuteMs)
    receive(on('b', { startedAtMs: startMs + 2 * minuteMs, severity: 'critical' }))
    expect(tell(startMs + 2 * minuteMs)).toEqual(['firing critical: a b'])
  })

  test('waits for its first message until the group is complete', () => {
    const { receive, tell, wakeAtMs } = world({ groupWaitMs: minuteMs })
    receive(on('a'))
    expect(tell(startMs)).toEqual([])
    expect(wakeAtMs(startMs)).toBe(startMs + minuteMs)
    receive(on('b'))
    expect(tell(startMs + minuteMs)).toEqual(['firing warning: a b'])
  })
})

describe('what is held', () => {
  const mute: Mute = {
    ...{ id: 'move', author: 'ada', comment: 'move', intervals: [], windows: null },
    matchers: [parseMatcher('metric="node_load1"')],
    startsAtMs: startMs,
    endsAtMs: startMs + 10 * minuteMs,
  }

  test('by a mute is told when the mute ends, if it still fires', () => {
    const { receive, tell, reasons } = world({}, { own: () => [mute], all: () => [mute] })
    receive(on('a'))
    expect(reasons(startMs)).toEqual(['held muted'])
    expect(tell(startMs + 9 * minuteMs)).toEqual([])
    expect(tell(startMs + 10 * minuteMs)).toEqual(['firing warning: a'])
  })

  test('by a mute that is withdrawn is told at once', () => {
    let mutes: readonly Mute[] = [mute]
    const { route, receive, tell } = world({}, { own: () => mutes, all: () => mutes })
    receive(on('a'))
    expect(tell(startMs)).toEqual([])
    mutes = []
    wakeAll(route)
    expect(tell(startMs)).toEqual(['firing warning: a'])
  })

  test('and ends before it could be told has the hold as its reason', () => {
    const { route, receive, reasons } = world({ minimumDurationMs: 5 * minuteMs })
    receive(on('a'))
    expect(reasons(startMs)).toEqual(['held too_short'])
    setProgress(route, 'slack', 'a', { ...progressOf(route, 'slack', 'a'), heldBy: 'too_short' })
    receive(end('a', startMs + minuteMs))
    expect(reasons(startMs + minuteMs)).toEqual(['too_short', 'too_short'])
  })

  test('by the budget of the route is told when there is room', () => {
    const { route, receive, tell } = world({ budget: { notifications: 1, perMs: 60 * minuteMs } })
    receive(on('a'))
    route.receivers.get('slack')!.sentAtMs = [startMs - minuteMs]
    expect(tell(startMs)).toEqual([])
    expect(tell(startMs + 59 * minuteMs)).toEqual(['firing warning: a'])
  })
})

test('what waits costs nothing until it is due: a plan looks at what changed', () => {
  const { route, receive, tell, wakeAtMs } = world({ minimumDurationMs: 5 * minuteMs })
  receive(on('a'), on('b'))
  expect(tell(startMs)).toEqual([])
  expect([...route.receivers.get('slack')!.quietUntilMs.values()]).toEqual([startMs + 5 * minuteMs, startMs + 5 * minuteMs])
  expect(wakeAtMs(startMs)).toBe(startMs + 5 * minuteMs)
})

describe('a verdict of a person', () => {
  const laterMs = startMs + 2 * minuteMs

  test('ends an incident that was told, and taken back brings it back at once', () => {
    const { receive, tell, say } = world()
    receive(on('a'))
    expect(tell(startMs)).toEqual(['firing warning: a'])
    say('a', 'false_alarm')
    expect(tell(laterMs)).toEqual(['resolved warning: a'])
    expect(tell(laterMs)).toEqual([])
    say('a', 'undone')
    expect(tell(laterMs)).toEqual(['firing warning: a'])
    receive(end('a', laterMs))
    expect(tell(laterMs)).toEqual(['resolved warning: a'])
  })

  test('on one series of an incident leaves the others to fire', () => {
    const { receive, tell, say } = world()
    receive(on('a'), on('b'))
    expect(tell(startMs)).toHaveLength(1)
    say('a', 'false_alarm')
    expect(tell(laterMs)).toEqual([])
    say('b', 'known')
    expect(tell(laterMs)).toEqual(['resolved warning: a b'])
  })

  test('before it was told keeps it from being told, under its name', () => {
    const { receive, tell, reasons, say } = world()
    receive(on('a'))
    say('a', 'expected', { untilMs: laterMs })
    expect(reasons(startMs + minuteMs)).toEqual(['expected'])
    expect(tell(startMs + minuteMs)).toEqual([])
    say('a', 'expected', { untilMs: laterMs })
    expect(tell(laterMs)).toEqual(['firing warning: a'])
  })

  test('does not hold what grows worse afterwards', () => {
    const { receive, tell, say } = world()
    receive(on('a'))
    tell(startMs)
    say('a', 'false_alarm', { atMs: -1 })
    expect(tell(laterMs)).toEqual(['resolved warning: a'])
    receive(on('a', { id: 'a/worse', state: 'escalated', severity: 'critical' }))
    expect(tell(laterMs)).toEqual(['firing critical: a'])
  })

  test('that confirms, or stands for a silence of Alertmanager, ends nothing', () => {
    const { receive, tell, say } = world()
    receive(on('a'))
    tell(startMs)
    say('a', 'confirmed')
    expect(tell(laterMs)).toEqual([])
    say('a', 'known', { origin: 'alertmanager' })
    expect(tell(laterMs)).toEqual([])
  })
})

describe('machines that fell ill together before', () => {
  const dayMs = 24 * 60 * minuteMs
  const onMachine = (machine: string, day: number, offsetMs = 0) => {
    const startedAtMs = startMs + day * dayMs + offsetMs
    const labels = [
      { name: '__name__', value: 'node_load1' },
      { name: 'instance', value: machine },
    ]
    const id = `${machine}-${day}`
    return on(id, { id: `${id}/1`, seriesKey: machine, labels, startedAtMs, observedAtMs: startedAtMs })
  }
  /** What is told on the last of some days on which these fall ill, each for five minutes. */
  const lastDay = (days: readonly (readonly string[])[], differences: Partial<RoutePolicy> = {}) => {
    const { receive, tell } = world(differences)
    let told: string[] = []
    for (const [day, machines] of days.entries()) {
      const atMs = startMs + day * dayMs
      const opened = machines.map((machine, i) => onMachine(machine, day, i * 5000))
      receive(...opened)
      told = tell(atMs + minuteMs)
      receive(
        ...opened.map((each) => ({
          ...each,
          id: `${each.episodeId}/2`,
          state: 'resolved' as const,
          endedAtMs: atMs + 5 * minuteMs,
        })),
      )
      tell(atMs + 5 * minuteMs)
    }
    return told
  }
  const both = ['db', 'shop']

  test('are one incident from the fourth time on', () => {
    expect(lastDay([both, both, both])).toHaveLength(2)
    expect(lastDay([both, both, both, both])).toEqual(['firing warning: db-3 shop-3'])
  })

  test('are two when one also falls ill alone, or nobody wants them joined', () => {
    expect(lastDay([both, ['db'], both, ['db'], both, ['db'], both])).toHaveLength(2)
    const apart = { incident: { ...routePolicy.incident, together: { withinMs: 0 } } }
    expect(lastDay([both, both, both, both], apart)).toHaveLength(2)
  })
})
