/** The whole service on the in-process log, against a real Alertmanager and a webhook in Slack's format. */
import { decode } from '@lapwing/contracts/codec'
import { topicName } from '@lapwing/contracts/topics'
import { LogError } from '@lapwing/stream/errors'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import type { Log, OutgoingRecord } from '@lapwing/stream/log'
import { wrappedLog } from '@lapwing/stream/testing/wrapped-log'
import { pino } from 'pino'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { startTestAlerter, type TestAlerter } from '../testing/alerter.ts'
import { findAlertmanager, startAlertmanager } from '../testing/alertmanager.ts'
import {
  anomalyRecord,
  episode,
  notificationsOf,
  prefix,
  sendAnomalies,
  sendPodEvent,
  sendVerdict,
  settledBreaches,
} from '../testing/anomalies.ts'
import { eventually } from '../testing/eventually.ts'
import { type SlackTestReceiver, startSlackReceiver } from '../testing/slack-receiver.ts'

const program = findAlertmanager()
if (!program) console.log('skipped: tests of the alerter with Alertmanager, because it is not installed')

const closers: (() => Promise<void>)[] = []
const closing = <T extends { stop(): Promise<void> }>(started: T): T => {
  closers.push(started.stop)
  return started
}

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function slack(): Promise<SlackTestReceiver> {
  return closing(await startSlackReceiver())
}

async function alerter(log: Log, section: object): Promise<TestAlerter> {
  return closing(await startTestAlerter(log, section))
}

function titles(receiver: SlackTestReceiver): string[] {
  return receiver.taken().map(({ text }) => text.split(':')[0]!)
}

/** A log that refuses outcomes for good: the alerter learns that a message arrived and dies before it can write that down. */
function dyingAtOutcomes(log: Log): Log {
  return wrappedLog(log, {
    fencedProducer: async (fenceId) => {
      const producer = await log.fencedProducer(fenceId)
      const commit = async (records: readonly OutgoingRecord[]) => {
        if (records.some(({ topic }) => topic.endsWith('.notifications.v1'))) throw new LogError('unexpected')
        await producer.commit(records)
      }
      return { commit, send: commit, close: () => producer.close() }
    },
  })
}

describe('Slack', () => {
  test('hears of the beginning, of the rise in severity and of the end', async () => {
    const log = createInProcessLog()
    const receiver = await slack()
    await alerter(log, { slack_webhook_url: receiver.url })
    const { opened, escalated, resolved } = episode('a')
    await sendAnomalies(log, opened)
    await eventually(() => expect(titles(receiver)).toEqual(['🟠 Warning']))
    await sendAnomalies(log, escalated)
    await eventually(() => expect(titles(receiver).at(-1)).toBe('🔴 Critical (was warning)'))
    await sendAnomalies(log, resolved)
    await eventually(() => expect(titles(receiver).at(-1)).toBe('🟢 Resolved'))
    await eventually(async () => expect(await settledBreaches(log, 'slack', [opened, escalated, resolved])).toEqual([]))
  })

  test('hears what happened to the pod shortly before', async () => {
    const log = createInProcessLog()
    const receiver = await slack()
    await alerter(log, { slack_webhook_url: receiver.url })
    const { opened } = episode('a')
    const labels = [...opened.labels, { name: 'namespace', value: 'shop' }, { name: 'pod', value: 'cart-1' }]
    await sendPodEvent(log, { namespace: 'shop', pod: 'cart-1', atMs: opened.startedAtMs - 180_000 })
    await sendAnomalies(log, { ...opened, labels })
    const sentence = 'On Kubernetes\\n3 min before: Pod shop/cart-1: container app ended (OOMKilled, exit code 137)'
    await eventually(() => expect(JSON.stringify(receiver.taken())).toContain(sentence))
  })

  test('is told once although every record comes twice, and again after a restart', async () => {
    const log = createInProcessLog()
    const receiver = await slack()
    const first = await startTestAlerter(log, { slack_webhook_url: receiver.url })
    const { opened } = episode('a')
    await sendAnomalies(log, opened, opened)
    await eventually(() => expect(titles(receiver)).toEqual(['🟠 Warning']))
    await eventually(async () => expect(await settledBreaches(log, 'slack', [opened])).toEqual([]))
    await first.stop()
    await alerter(log, { slack_webhook_url: receiver.url })
    await sendAnomalies(log, opened, episode('b').opened)
    await eventually(() => expect(receiver.received).toHaveLength(2))
    expect(receiver.received[1]?.message.blocks.at(-1)).toMatchObject({ elements: [{}, { text: 'Incident b' }] })
  })

  test('is told once more when the alerter dies between the answer and the note of it, and then of the end', async () => {
    const log = createInProcessLog()
    const receiver = await slack()
    const dying = await startTestAlerter(dyingAtOutcomes(log), { slack_webhook_url: receiver.url })
    const { opened, resolved } = episode('a')
    await sendAnomalies(log, opened)
    await eventually(() => expect(receiver.received).toHaveLength(1))
    await eventually(() => expect(dying.failures).not.toEqual([]))
    await dying.stop()
    await alerter(log, { slack_webhook_url: receiver.url })
    await eventually(() => expect(titles(receiver)).toEqual(['🟠 Warning', '🟠 Warning']))
    await sendAnomalies(log, resolved)
    await eventually(() => expect(titles(receiver)).toEqual(['🟠 Warning', '🟠 Warning', '🟢 Resolved']))
    await eventually(async () => expect(await settledBreaches(log, 'slack', [opened, resolved])).toEqual([]))
  })

  test('is told the end by the next alerter when the last one died with the beginning under way', async () => {
    const log = createInProcessLog()
    const receiver = await slack()
    const dying = await startTestAlerter(dyingAtOutcomes(log), { slack_webhook_url: receiver.url })
    const { opened, resolved } = episode('a')
    await sendAnomalies(log, opened)
    await eventually(() => expect(dying.failures).not.toEqual([]))
    await dying.stop()
    receiver.answerNext({ status: 503, body: '' })
    await alerter(log, { slack_webhook_url: receiver.url })
    await sendAnomalies(log, resolved)
    await eventually(() => expect(titles(receiver).at(-1)).toBe('🟢 Resolved'))
    await eventually(async () => expect(await settledBreaches(log, 'slack', [opened, resolved])).toEqual([]))
  })

  test('gets the last state right through 429, 500 and a wrong answer, and waits as long as it asks', async () => {
    const log = createInProcessLog()
    const receiver = await slack()
    await alerter(log, { slack_webhook_url: receiver.url })
    receiver.answerNext(
      { status: 429, body: 'rate_limited', headers: { 'retry-after': '2' } },
      { status: 500, body: 'oops' },
      { status: 200, body: '<html>a proxy</html>' },
    )
    const { opened } = episode('a')
    await sendAnomalies(log, opened)
    await eventually(() => expect(titles(receiver)).toEqual(['🟠 Warning']), 20_000)
    const [limited, retried] = receiver.received
    expect(retried!.atMs - limited!.atMs).toBeGreaterThanOrEqual(1990)
    await eventually(async () => expect(await settledBreaches(log, 'slack', [opened])).toEqual([]))
    const pending = (await notificationsOf(log, 'slack')).filter(({ outcome }) => outcome === 'pending')
    expect(pending.map(({ reason }) => reason)).toEqual(['rate_limited', 'server_error', 'unexpected_answer'])
  })

  test('that refuses for good makes a dead letter, and the next alert is told all the same', async () => {
    const log = createInProcessLog()
    const receiver = await slack()
    const running = await alerter(log, { slack_webhook_url: receiver.url })
    receiver.answerNext({ status: 404, body: 'no_service at /services/T0LAPWING/B0LAPWING/secret-of-the-webhook' })
    await sendAnomalies(log, episode('a').opened)
    await eventually(async () => {
      const [refused] = (await notificationsOf(log, 'slack')).filter(({ outcome }) => outcome === 'dead_lettered')
      expect(refused).toMatchObject({ alertId: 'a', reason: 'refused', attempts: 1 })
      expect(refused?.error).toContain('no_service')
      expect(refused?.error).not.toContain('secret-of-the-webhook')
    })
    expect(await log.readToEnd(topicName(prefix, 'dead-letters'))).toHaveLength(1)
    expect(running.lines.join()).toContain('refuses')
    expect(running.lines.join()).not.toContain('secret-of-the-webhook')
    await sendAnomalies(log, episode('b').opened)
    await eventually(() => expect(titles(receiver)).toEqual(['🟠 Warning']))
  })

  test('hears nothing of an episode below the minimum severity, and the outcome says so', async () => {
    const log = createInProcessLog()
    const receiver = await slack()
    await alerter(log, { slack_webhook_url: receiver.url })
    const quiet = anomalyRecord({ id: 'quiet-1', episodeId: 'quiet', severity: 'info' })
    await sendAnomalies(log, quiet)
    await eventually(async () => {
      expect(await notificationsOf(log, 'slack')).toMatchObject([{ outcome: 'suppressed', reason: 'below_severity' }])
    })
    expect(receiver.received).toEqual([])
  })
})

describe('metrics', () => {
  test('balance: what was accepted has an outcome or is pending', async () => {
    const log = createInProcessLog()
    const receiver = await slack()
    const running = await alerter(log, { slack_webhook_url: receiver.url })
    receiver.answerNext(...Array.from({ length: 50 }, () => ({ status: 503, body: '' })))
    await sendAnomalies(log, episode('a').opened, anomalyRecord({ id: 'q', episodeId: 'q', seriesKey: 'q', severity: 'info' }))
    await eventually(async () => {
      const { accepted, settled, pending } = await running.balance('slack')
      expect({ accepted, settled, pending }).toEqual({ accepted: 2, settled: 1, pending: 1 })
    })
  })
})

describe.skipIf(!program)('Alertmanager', () => {
  test('shows the alert firing, under its new severity, and then no more', async () => {
    const log = createInProcessLog()
    const alertmanager = closing(await startAlertmanager(program!))
    await alerter(log, { alertmanager_url: alertmanager.url, resend_interval: '1s' })
    const { opened, escalated, resolved } = episode('a')
    await sendAnomalies(log, opened)
    await eventually(async () => {
      const [alert] = await alertmanager.alerts()
      expect(alert?.labels).toMatchObject({ alertname: 'LapwingAnomaly', severity: 'warning', instance: 'node-a:9100' })
      expect(alert?.annotations).toMatchObject({ episode: 'a' })
    })
    await sendAnomalies(log, escalated)
    await eventually(async () => {
      expect((await alertmanager.alerts()).map(({ labels }) => labels.severity)).toEqual(['critical'])
    })
    await sendAnomalies(log, resolved)
    await eventually(async () => expect(await alertmanager.alerts()).toEqual([]))
    await eventually(async () => expect(await settledBreaches(log, 'alertmanager', [opened, escalated, resolved])).toEqual([]))
  })

  test('shows what happened to the pod', async () => {
    const log = createInProcessLog()
    const alertmanager = closing(await startAlertmanager(program!))
    await alerter(log, { alertmanager_url: alertmanager.url })
    const { opened } = episode('a')
    const labels = [...opened.labels, { name: 'namespace', value: 'shop' }, { name: 'pod', value: 'cart-1' }]
    await sendPodEvent(log, { namespace: 'shop', pod: 'cart-1', atMs: opened.startedAtMs - 180_000 })
    await sendAnomalies(log, { ...opened, labels })
    const sentence = '3 min before: Pod shop/cart-1: container app ended (OOMKilled, exit code 137)'
    await eventually(async () => expect((await alertmanager.alerts())[0]?.annotations).toMatchObject({ pods: sentence }))
  })

  test('killed and started again, shows what fires', async () => {
    const log = createInProcessLog()
    const alertmanager = closing(await startAlertmanager(program!))
    await alerter(log, { alertmanager_url: alertmanager.url, resend_interval: '1s' })
    await sendAnomalies(log, episode('a').opened)
    await eventually(async () => expect(await alertmanager.alerts()).toHaveLength(1))
    await alertmanager.restart()
    await eventually(async () => expect(await alertmanager.alerts()).toHaveLength(1), 20_000)
  })

  test('is told again by an alerter that was restarted, without any new record', async () => {
    const log = createInProcessLog()
    const alertmanager = closing(await startAlertmanager(program!))
    const section = { alertmanager_url: alertmanager.url, resend_interval: '1s' }
    const first = await startTestAlerter(log, section)
    await sendAnomalies(log, episode('a').opened)
    await eventually(async () => expect(await settledBreaches(log, 'alertmanager', [episode('a').opened])).toEqual([]))
    await first.stop()
    await alertmanager.restart()
    expect(await alertmanager.alerts()).toEqual([])
    await alerter(log, section)
    await eventually(async () => expect(await alertmanager.alerts()).toHaveLength(1))
  })

  test('takes labels that are hostile, illegal or taken', async () => {
    const log = createInProcessLog()
    const alertmanager = closing(await startAlertmanager(program!))
    await alerter(log, { alertmanager_url: alertmanager.url })
    const labels = [
      { name: '__proto__', value: 'x' },
      { name: 'a.b', value: '{{ .Values }}' },
      { name: 'severity', value: '<script>' },
    ]
    await sendAnomalies(log, anomalyRecord({ id: 'h', episodeId: 'h', labels }))
    await eventually(async () => {
      const [alert] = await alertmanager.alerts()
      expect(new Map(Object.entries(alert?.labels ?? {}))).toEqual(
        new Map([
          ['alertname', 'LapwingAnomaly'],
          ['severity', 'warning'],
          ['metric', 'node_load1'],
          ['__proto__', 'x'],
          ['U__a_2e_b', '{{ .Values }}'],
          ['exported_severity', '<script>'],
        ]),
      )
    })
  })
})

describe('routes', () => {
  test('lead an alert to the receiver of its team, one message for a machine and the rest of it grouped', async () => {
    const log = createInProcessLog()
    const [db, rest] = [await slack(), await slack()]
    await alerter(log, {
      slack_webhook_url: rest.url,
      receivers: [{ name: 'db', slack_webhook_url: db.url }],
      route: { routes: [{ matchers: ['instance=~"node-a.*"'], receiver: 'db', group_wait: '300ms' }] },
    })
    const { opened, resolved } = episode('a')
    const neighbour = { ...opened, id: 'n/opened', episodeId: 'n', seriesKey: 'n', metric: 'node_load5' }
    await sendAnomalies(log, opened, neighbour, episode('b').opened)
    await eventually(() => expect([db, rest].map(titles)).toEqual([['🟠 Warning'], ['🟠 Warning']]))
    await sendAnomalies(log, resolved, { ...resolved, id: 'n/resolved', episodeId: 'n', seriesKey: 'n' })
    await eventually(() => expect(titles(db)).toEqual(['🟠 Warning', '🟢 Resolved']))
    const both = [opened, neighbour, resolved, { ...resolved, id: 'n/resolved' }]
    await eventually(async () => expect(await settledBreaches(log, 'db.slack', both)).toEqual([]))
  })

  test('with a digest tell in one message what was left out', async () => {
    const log = createInProcessLog()
    const receiver = await slack()
    await alerter(log, { slack_webhook_url: receiver.url, route: { minimum_duration: '1d', digest_interval: '1s' } })
    const startedAtMs = Date.now() - 1000
    const own = { episodeId: 'a', seriesKey: 'a', startedAtMs }
    await sendAnomalies(log, anomalyRecord({ ...own, id: 'a/1' }))
    await eventually(async () => {
      expect(await notificationsOf(log, 'slack')).toMatchObject([{ outcome: 'pending', reason: 'too_short' }])
    })
    await sendAnomalies(log, anomalyRecord({ ...own, id: 'a/2', state: 'resolved', endedAtMs: startedAtMs + 10 }))
    await eventually(() =>
      expect(receiver.taken().map(({ text }) => text)).toEqual(['Digest of default: 1 alerts were not told']),
    )
  })

  test('that a restarted alerter finds again, with what they were told', async () => {
    const log = createInProcessLog()
    const receiver = await slack()
    const section = {
      receivers: [{ name: 'db', slack_webhook_url: receiver.url }],
      route: { routes: [{ matchers: ['instance=~".+"'], receiver: 'db' }] },
    }
    const first = await startTestAlerter(log, section)
    await sendAnomalies(log, episode('a').opened)
    await eventually(async () => expect(await settledBreaches(log, 'db.slack', [episode('a').opened])).toEqual([]))
    await first.stop()
    await alerter(log, section)
    await sendAnomalies(log, episode('a').resolved)
    await eventually(() => expect(titles(receiver)).toEqual(['🟠 Warning', '🟢 Resolved']))
  })
})

describe('a verdict on the feedback topic', () => {
  test('quiets Slack and says so, also after a restart, and taken back brings the alert back', async () => {
    const log = createInProcessLog()
    const receiver = await slack()
    const section = { slack_webhook_url: receiver.url }
    const first = await startTestAlerter(log, section)
    const { opened, resolved } = episode('a')
    await sendAnomalies(log, opened)
    await eventually(() => expect(titles(receiver)).toEqual(['🟠 Warning']))
    await sendVerdict(log, opened, { verdict: 'false_alarm', author: 'ann', comment: 'backup' })
    await eventually(() => expect(titles(receiver).at(-1)).toBe('⚪ Quiet, false alarm'))
    expect(JSON.stringify(receiver.taken().at(-1))).toContain('false alarm, says ann: backup')
    await first.stop()
    await alerter(log, section)
    await sendAnomalies(log, episode('b').opened)
    await eventually(() => expect(receiver.received).toHaveLength(3))
    await sendVerdict(log, opened, { verdict: 'undone' })
    await eventually(() => expect(titles(receiver).at(-1)).toBe('🟠 Warning, again'))
    await sendAnomalies(log, resolved)
    await eventually(() => expect(titles(receiver).at(-1)).toBe('🟢 Resolved'))
    await eventually(async () => expect(await settledBreaches(log, 'slack', [opened, resolved, episode('b').opened])).toEqual([]))
    expect(receiver.received).toHaveLength(5)
  })
})

describe.skipIf(!program)('a silence in Alertmanager', () => {
  test('keeps Slack quiet too, says so, and what still fires is told when it expires', async () => {
    const log = createInProcessLog()
    const receiver = await slack()
    const alertmanager = closing(await startAlertmanager(program!))
    const id = await alertmanager.silence({ instance: 'node-a:9100' }, 'ada', 'known')
    await alerter(log, { alertmanager_url: alertmanager.url, slack_webhook_url: receiver.url, silences_interval: '1s' })
    await sendAnomalies(log, episode('b').opened)
    await eventually(() => expect(receiver.received).toHaveLength(1))
    await sendAnomalies(log, episode('a').opened)
    await eventually(async () => {
      const [muted] = (await notificationsOf(log, 'slack')).filter(({ alertId }) => alertId === 'a')
      expect(muted).toMatchObject({ outcome: 'pending', reason: 'muted', error: `silence ${id} by ada: known` })
    })
    expect(receiver.received).toHaveLength(1)
    await alertmanager.expireSilence(id)
    await eventually(() => expect(receiver.received).toHaveLength(2))
  })

  test('becomes a verdict: known until its end, and taken back with it', async () => {
    const log = createInProcessLog()
    const alertmanager = closing(await startAlertmanager(program!))
    await alerter(log, { alertmanager_url: alertmanager.url, silences_interval: '1s' })
    const { opened } = episode('a')
    await sendAnomalies(log, opened, episode('b').opened)
    await eventually(async () => expect(await alertmanager.alerts()).toHaveLength(2))
    const id = await alertmanager.silence({ instance: 'node-a:9100' }, 'ada', 'moving')
    const verdicts = async () =>
      (await log.readToEnd(topicName(prefix, 'feedback'))).map(({ value }) => decode('Feedback', value!))
    await eventually(async () => {
      expect(await verdicts()).toMatchObject([
        { anomalyId: opened.id, verdict: 'known', author: 'ada', comment: `moving (silence ${id})`, origin: 'alertmanager' },
      ])
    })
    await alertmanager.expireSilence(id)
    await eventually(async () => expect((await verdicts()).map(({ verdict }) => verdict)).toEqual(['known', 'undone']))
    expect(await alertmanager.alerts()).toHaveLength(2)
  })
})

describe.skipIf(inject('kafkaBrokers').length === 0)('on Kafka', () => {
  test('a restarted alerter knows what it told, and tells what is new', async () => {
    const log = createKafkaLog({ brokers: inject('kafkaBrokers'), clientId: 'alerter-test', logger: pino({ enabled: false }) })
    closers.push(() => log.close())
    const receiver = await slack()
    const first = await startTestAlerter(log, { slack_webhook_url: receiver.url })
    const { opened, escalated, resolved } = episode('a')
    await sendAnomalies(log, opened)
    await eventually(() => expect(titles(receiver)).toEqual(['🟠 Warning']), 30_000)
    await first.stop()
    await sendAnomalies(log, opened, escalated)
    await alerter(log, { slack_webhook_url: receiver.url })
    await eventually(() => expect(titles(receiver)).toEqual(['🟠 Warning', '🔴 Critical (was warning)']), 30_000)
    await sendAnomalies(log, resolved)
    await eventually(() => expect(titles(receiver).at(-1)).toBe('🟢 Resolved'), 30_000)
    await eventually(async () => expect(await settledBreaches(log, 'slack', [opened, escalated, resolved])).toEqual([]), 30_000)
    expect(receiver.received).toHaveLength(3)
  })
})
