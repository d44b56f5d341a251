/**
 * Faults between the alerter and its receivers, rows 26 to 29, on real processes: alerter, Kafka and Alertmanager are real, Slack is a
 * webhook in its format. Afterwards the topics are held to the conservation law, and what receivers were told to the truth.
 *
 * `LAPWING_FAULTS=long` takes what each fault is described with (about 15 minutes); without it CI gets the short form. Only these rows:
 * `npm run test:faults -- alerter`.
 */
import { findAlertmanager, startAlertmanager } from '@lapwing/alerter/testing/alertmanager'
import { anomalyRecord, episode } from '@lapwing/alerter/testing/anomalies'
import { type ReceivedMessage, silence, startSlackReceiver } from '@lapwing/alerter/testing/slack-receiver'
import type { Anomaly } from '@lapwing/contracts/records'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { AlerterWorld, beliefsOf, readMessage, repetitionsIn } from './alerter/alerter-world.ts'
import { form, type Hall, openHall } from './harness/hall.ts'

const isLong = form === 'long'
const rowTimeoutMs = isLong ? 1_200_000 : 400_000
const patienceMs = isLong ? 900_000 : 300_000
const alertmanagerProgram = findAlertmanager()

let hall: Hall
beforeAll(async () => {
  hall = await openHall(undefined)
})
afterAll(() => hall?.close())

/** Closes what a row opened, newest first, whatever came of it. */
async function row(run: (opened: <T extends { stop(): Promise<void> }>(part: T) => T) => Promise<void>): Promise<void> {
  const parts: { stop(): Promise<void> }[] = []
  try {
    await run((part) => {
      parts.push(part)
      return part
    })
  } finally {
    for (const part of parts.reverse()) await part.stop()
  }
}

async function worldOf(name: string, settings: readonly string[]): Promise<AlerterWorld & { stop(): Promise<void> }> {
  const world = await AlerterWorld.open(name, hall.brokers, settings)
  return Object.assign(world, { stop: () => world.close() })
}

describe.concurrent(`faults of receivers, ${form} form`, () => {
  test(
    'row 26: Slack answers 429, 500 for long, not at all, and something else than ok; TLS that is none',
    () =>
      row(async (opened) => {
        const slack = opened(await startSlackReceiver())
        const [retryAfterS, brokenMs, episodes] = isLong ? [30, 600_000, 30] : [3, 6000, 8]
        const world = opened(
          await worldOf('26', [
            `alerter.slack_webhook_url=${slack.url}`,
            `alerter.receivers=[{name: tls, slack_webhook_url: '${slack.url.replace('http:', 'https:')}'}]`,
            `alerter.route={routes: [{matchers: ['instance=~".+"'], receiver: tls, continue: true}, {name: all, matchers: ['instance=~".+"']}]}`,
          ]),
        )
        await world.startAlerter()
        const ids = Array.from({ length: episodes }, (_, i) => `slow-${i}`)
        const [first, second, ...others] = ids
        slack.answerNext({ status: 429, body: 'rate_limited', headers: { 'retry-after': String(retryAfterS) } })
        await world.send([episode(first!).opened])
        await eventually(() => slack.taken().length === 1, { what: 'the first is told', deadlineMs: patienceMs })
        expect(slack.received[1]!.atMs - slack.received[0]!.atMs).toBeGreaterThanOrEqual(retryAfterS * 1000 - 10)

        slack.answerNext(silence, { status: 200, body: '<html>a proxy</html>' })
        await world.send([episode(second!).opened])
        await eventually(() => slack.taken().length === 2, { what: 'the second is told', deadlineMs: patienceMs })

        slack.answerAll({ status: 500, body: 'oops' })
        await world.send(others.map((id) => episode(id).opened))
        await world.send([first!, second!].map((id) => episode(id).resolved))
        await new Promise((resolve) => setTimeout(resolve, brokenMs))
        slack.answerAll(undefined)
        await world.send(others.slice(0, 3).map((id) => episode(id).resolved))
        await world.untilSettled('slack', patienceMs)

        const over = new Set([first, second, ...others.slice(0, 3)])
        const told = beliefsOf(slack.taken())
        for (const [incident, state] of told)
          expect([incident, state]).toEqual([incident, over.has(incident) ? 'resolved' : 'firing'])
        for (const id of others.slice(3)) expect(told.has(id)).toBe(true)
        expect(await world.breaches('slack')).toEqual([])
        const { accepted, settled, pending } = await world.untilAccepted('tls.slack', patienceMs)
        expect(settled + pending).toBe(accepted)
        expect(pending).toBeGreaterThan(0)
        const toldOverTls = await world.notifications('tls.slack')
        expect(toldOverTls.filter(({ outcome }) => outcome === 'delivered')).toEqual([])
        expect(mostAhead(slack.received.map(({ atMs }) => atMs))).toBeLessThan(2)
      }),
    rowTimeoutMs,
  )

  test.skipIf(!alertmanagerProgram)(
    'row 27: Alertmanager is killed and started again while alerts fire and some end',
    () =>
      row(async (opened) => {
        const alertmanager = opened(await startAlertmanager(alertmanagerProgram!))
        const world = opened(
          await worldOf('27', [
            `alerter.alertmanager_url=${alertmanager.url}`,
            ...(isLong ? [] : ['alerter.resend_interval=5s']),
          ]),
        )
        await world.startAlerter()
        const ids = Array.from({ length: 20 }, (_, i) => `am-${i}`)
        const shows = async (expected: readonly string[]) => {
          const shown = (await alertmanager.alerts()).map(({ annotations }) => annotations.episode)
          if (shown.sort().join() === [...expected].sort().join()) return true
          throw new Error(`it shows ${shown.length}, not ${expected.length}`)
        }
        const untilShown = (what: string, expected: readonly string[], deadlineMs: number) =>
          eventually(() => shows(expected), { what, deadlineMs })
        await world.send(ids.map((id) => episode(id).opened))
        await untilShown('Alertmanager shows all', ids, patienceMs)
        for (let kill = 0; kill < (isLong ? 3 : 1); kill++) {
          const from = kill * 6
          await alertmanager.kill()
          await world.send(ids.slice(from, from + 3).map((id) => episode(id).resolved))
          await alertmanager.start()
          // All that fire within a minute, and the breaker may wait for half of one more.
          await untilShown('Alertmanager shows what fires', ids.slice(from + 3), 95_000)
          await world.send(ids.slice(from + 3, from + 6).map((id) => episode(id).resolved))
          await untilShown('Alertmanager shows no more than what fires', ids.slice(from + 6), 60_000)
        }
        await world.untilSettled('alertmanager', patienceMs)
        expect(await world.breaches('alertmanager')).toEqual([])
      }),
    rowTimeoutMs,
  )

  test(
    'row 28: the alerter is killed between the answer of Slack and its note of it',
    () =>
      row(async (opened) => {
        const slack = opened(await startSlackReceiver())
        const world = opened(await worldOf('28', [`alerter.slack_webhook_url=${slack.url}`]))
        const kills = isLong ? 8 : 2
        const ids = Array.from({ length: kills }, (_, i) => `killed-${i}`)
        for (const id of ids) {
          await world.startAlerter()
          const { alerter } = world
          slack.afterNextTaken(() => alerter.signal('SIGKILL'))
          await world.send([episode(id).opened])
          await alerter.exited
        }
        await world.startAlerter()
        await world.send(ids.map((id) => episode(id).resolved))
        await world.untilSettled('slack', patienceMs)
        expect(await world.breaches('slack')).toEqual([])
        expect([...beliefsOf(slack.taken())].sort()).toEqual(ids.map((id) => [id, 'resolved']).sort())
        expect(repetitionsIn(slack.taken())).toBeLessThanOrEqual(kills)
      }),
    rowTimeoutMs,
  )

  test(
    'row 29: the breaker is open while very many alerts come',
    () =>
      row(async (opened) => {
        const slack = opened(await startSlackReceiver())
        const [alerts, machines] = isLong ? [10_000, 200] : [1500, 15]
        const world = opened(await worldOf('29', [`alerter.slack_webhook_url=${slack.url}`, 'alerter.broad_series=1000000']))
        slack.answerAll({ status: 503, body: '' })
        await world.startAlerter()
        await world.send(Array.from({ length: 5 }, (_, i) => onMachine('first', i)))
        await eventually(() => slack.received.length >= 5, { what: 'the breaker has reason to open', deadlineMs: patienceMs })
        await world.send(
          Array.from({ length: alerts }, (_, i) => onMachine(`node-${i % machines}`, i, i % machines < machines / 3)),
        )
        const { settled, pending } = await world.untilAccepted('slack', patienceMs)
        expect({ settled, pending }).toEqual({ settled: 0, pending: world.sent.length })
        expect(world.alerter.peakBytes()).toBeLessThan(512 * 1024 * 1024)
        slack.answerAll(undefined)
        await world.untilSettled('slack', patienceMs)
        expect(await world.breaches('slack')).toEqual([])
        const told = slack.taken().map(readMessage)
        expect(told).toHaveLength(machines + 1)
        // One that failed itself waits on its own, so that it holds up no other.
        const failed = new Set(
          slack.received.filter(({ answer }) => isRefusal(answer)).map(({ message }) => readMessage(message).incident),
        )
        const others = told.filter(({ incident }) => !failed.has(incident))
        const firstWarning = others.findIndex(({ isCritical }) => !isCritical)
        expect(firstWarning).toBeGreaterThan(0)
        expect(others.slice(firstWarning).filter(({ isCritical }) => isCritical)).toEqual([])
        expect(others.length).toBeGreaterThan(machines / 2)
      }),
    rowTimeoutMs,
  )
})

/**
 * How many messages have come, anywhere between two of them, beyond one a second. One that arrived late on a busy machine has the next close
 * behind it, and that makes less than two.
 */
function mostAhead(receivedAtMs: readonly number[]): number {
  const ahead = receivedAtMs.flatMap((fromMs, from) =>
    receivedAtMs.slice(from).map((atMs, between) => between - (atMs - fromMs) / 1000),
  )
  return Math.max(...ahead)
}

const isRefusal = (answer: ReceivedMessage['answer']) => answer !== silence && answer.status === 503

/** An incident is as severe as its worst series, since none is broad here. */
function onMachine(machine: string, series: number, isCritical = false): Anomaly {
  return anomalyRecord({
    ...{ id: `${machine}/${series}`, episodeId: `${machine}-${series}`, seriesKey: `${machine}-${series}` },
    severity: isCritical ? 'critical' : 'warning',
    labels: [
      { name: '__name__', value: 'node_load1' },
      { name: 'device', value: String(series) },
      { name: 'instance', value: machine },
    ],
  })
}
