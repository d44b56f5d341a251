import type { ReceiverPolicy } from '@lapwing/alerting/reconcile'
import { afterEach, describe, expect, test } from 'vitest'
import { episode } from '../testing/anomalies.ts'
import { eventually } from '../testing/eventually.ts'
import { noMutes, routePolicy } from '../testing/routes.ts'
import { decideAlert, type SeriesState } from './decide-alert.ts'
import { DeliveryError, type DeliveryErrorCode } from './delivery-errors.ts'
import { type DeliveryLoop, startDeliveryLoop } from './delivery-loop.ts'
import type { Note } from './notifications.ts'
import type { Receiver } from './receiver.ts'
import { acceptAlert, emptyRoute } from './route-alerts.ts'
import { planRoute } from './route-plan.ts'

const decisionPolicy = {
  minimumSeverity: 'warning',
  flapping: { slots: 20, slotMs: 60_000, startRatio: 0.5, stopRatio: 0.25 },
} as const
const policy: ReceiverPolicy = { resendMs: null, resendResolvedForMs: 0, spacingMs: 0, batchSize: 1 }
const { opened, resolved } = episode('a')

const loops: DeliveryLoop[] = []
afterEach(async () => {
  await Promise.all(loops.splice(0).map((loop) => loop.stop()))
})

/** A loop with a receiver that fails as told and then takes everything; what happens is written down in order. */
function startTestLoop(...failures: readonly DeliveryErrorCode[]) {
  const left = [...failures]
  const happened: string[] = []
  const fatal: Error[] = []
  const route = emptyRoute([{ name: 'slack', unit: 'incident' }])
  const world = { nowMs: Date.parse('2026-01-05T12:00:00Z'), behind: false, write: async () => {} }
  let known: SeriesState | undefined
  const receiver: Receiver = {
    ...{ name: 'slack', unit: 'incident', policy, limits: undefined, breakerState: () => 'closed', close: () => {} },
    deliver: async (deliveries) =>
      deliveries.map(({ alert }) => {
        const code = left.shift()
        happened.push(`${code ?? 'taken'}: ${alert.state}`)
        return code && new DeliveryError(code)
      }),
  }
  const write = async (notes: readonly Note[], alertIds: readonly string[]) => {
    happened.push(`noted: ${notes.map(({ outcome }) => `${outcome.outcome} ${outcome.reason}`).join() || alertIds.join()}`)
    await world.write()
  }
  const loop = startDeliveryLoop({
    receiver,
    route,
    plan: (nowMs) => planRoute(route, { receiver, policy: routePolicy, mutes: noMutes }, nowMs),
    onSent: () => {},
    digest: { route: 'default', leftOut: () => {}, dueAtMs: () => Infinity, due: () => undefined, told: () => {} },
    behind: () => world.behind,
    ...{ write, writeSoon: write },
    onFailure: () => {},
    nowMs: () => world.nowMs,
    random: () => 1,
    onFatal: (error) => fatal.push(error),
  })
  loops.push(loop)
  const receive = (anomaly: typeof opened) => {
    const decision = decideAlert(anomaly, known, decisionPolicy)
    known = decision.state
    acceptAlert(route, decision.alert, { offset: 0, writtenAtMs: 0 })
    loop.ring()
  }
  const laterBy = (ms: number) => {
    world.nowMs += ms
    loop.ring()
  }
  return { ...{ loop, happened, fatal, world, receive, laterBy } }
}

describe('the loop', () => {
  test('notes what it is about to tell, tells it, and notes what became of it', async () => {
    const { happened, receive } = startTestLoop()
    receive(opened)
    await eventually(() => expect(happened).toEqual(['noted: a', 'taken: firing', 'noted: delivered new']))
  })

  test('tells the end of what may have been seen although it was not answered', async () => {
    const { happened, receive, laterBy } = startTestLoop('timeout')
    receive(opened)
    await eventually(() => expect(happened.at(-1)).toBe('noted: pending timeout'))
    receive(resolved)
    laterBy(60_000)
    await eventually(() =>
      expect(happened.slice(-2)).toEqual(['taken: resolved', 'noted: suppressed superseded,delivered resolved']),
    )
  })

  test('tells no end of what surely was not seen', async () => {
    const { happened, receive, laterBy } = startTestLoop('rate_limited')
    receive(opened)
    await eventually(() => expect(happened.at(-1)).toBe('noted: pending rate_limited'))
    receive(resolved)
    laterBy(60_000)
    await eventually(() => expect(happened.at(-1)).toBe('noted: suppressed over_before_told,suppressed over_before_told'))
    expect(happened).not.toContain('taken: resolved')
  })

  test('notes a failure once per kind', async () => {
    const { happened, receive, laterBy } = startTestLoop('server_error', 'server_error', 'timeout')
    receive(opened)
    for (const attempts of [1, 2, 3]) {
      await eventually(() => expect(happened.filter((what) => what.endsWith(': firing'))).toHaveLength(attempts))
      await eventually(() => expect(happened.at(-1)).toMatch(/^noted/))
      laterBy(60_000)
    }
    await eventually(() => expect(happened.at(-1)).toBe('noted: delivered new'))
    const pending = happened.filter((what) => what.startsWith('noted: pending'))
    expect(pending).toEqual(['noted: pending server_error', 'noted: pending timeout'])
  })

  test('tells nothing while older records are still being read', async () => {
    const { happened, world, receive, laterBy } = startTestLoop()
    world.behind = true
    receive(opened)
    laterBy(1)
    receive(resolved)
    world.behind = false
    laterBy(1)
    await eventually(() => expect(happened).toEqual(['noted: suppressed over_before_told,suppressed over_before_told']))
  })

  test('ends with the error when a note can never be written', async () => {
    const { fatal, world, receive } = startTestLoop()
    world.write = async () => Promise.reject(new Error('the log refuses'))
    receive(opened)
    await eventually(() => expect(fatal).toMatchObject([{ message: 'the log refuses' }]))
  })
})
