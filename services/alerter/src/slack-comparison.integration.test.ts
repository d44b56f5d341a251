/**
 * What we tell Slack of an alert against what Alertmanager itself posts of the same one: a real Alertmanager with a `slack_configs` gets the
 * alert from us and posts it beside us. Nothing that its message has may be missing in ours.
 */
import type { SlackMessage } from '@lapwing/alerting/slack-message'
import type { Anomaly } from '@lapwing/contracts/records'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startTestAlerter } from '../testing/alerter.ts'
import { findAlertmanager, startAlertmanager } from '../testing/alertmanager.ts'
import { episode, sendAnomalies } from '../testing/anomalies.ts'
import { eventually } from '../testing/eventually.ts'
import { type SlackTestReceiver, startSlackReceiver } from '../testing/slack-receiver.ts'

const program = findAlertmanager()

/** Its own title, and all that its templates know of an alert, a line each. */
const configOf = (url: string) => `
route: { receiver: slack, group_wait: 100ms, group_interval: 1s, group_by: ['...'] }
receivers:
  - name: slack
    slack_configs:
      - api_url: ${url}
        channel: alerts
        send_resolved: true
        text: |
          {{ range .Alerts }}status {{ .Status }}
          start {{ .StartsAt.Unix }}
          {{ range .Labels.SortedPairs }}label {{ .Name }} {{ .Value }}
          {{ end }}{{ end }}
`

/** What Alertmanager posts to an incoming webhook. */
interface TheirMessage {
  readonly attachments: readonly { readonly title: string; readonly text: string }[]
}

async function receiver(): Promise<SlackTestReceiver> {
  const started = await startSlackReceiver()
  onTestFinished(started.stop)
  return started
}

/** Both messages about these records, once both have come. */
async function bothAbout(anomalies: readonly Anomaly[], theirStatus: string): Promise<{ ours: string; theirs: string }> {
  const [ours, theirs] = [await receiver(), await receiver()]
  const alertmanager = await startAlertmanager(program!, configOf(theirs.url))
  onTestFinished(alertmanager.stop)
  const log = createInProcessLog()
  const section = { slack_webhook_url: ours.url, alertmanager_url: alertmanager.url, resend_interval: '1s' }
  const alerter = await startTestAlerter(log, section)
  onTestFinished(alerter.stop)
  for (const [i, anomaly] of anomalies.entries()) {
    await sendAnomalies(log, anomaly)
    await eventually(() => expect(ours.taken().length).toBeGreaterThan(i), 30_000)
    await eventually(() => expect(theirs.taken().length).toBeGreaterThan(i), 30_000)
  }
  const theirLast = () => (theirs.taken().at(-1) as unknown as TheirMessage).attachments[0]!
  await eventually(() => expect(theirLast().title).toContain(`[${theirStatus}`), 30_000)
  return { ours: textOf(ours.taken().at(-1)!), theirs: `${theirLast().title}\n${theirLast().text}` }
}

/** Everything that is read, a line each. */
function textOf(message: SlackMessage): string {
  const texts = [...JSON.stringify(message).matchAll(/"text":"((?:[^"\\]|\\.)*)"/g)]
  return texts.map(([, text]) => JSON.parse(`"${text}"`) as string).join('\n')
}

/** What of their message ours lacks. Both labels are our own additions for Alertmanager, said in ours in words. */
function missingIn({ ours, theirs }: { ours: string; theirs: string }): string[] {
  const lines = theirs.split('\n').map((line) => line.trim().split(' '))
  return lines.flatMap(([kind, first, ...rest]) => {
    const value = rest.join(' ')
    if (kind === 'status') return ours.includes(first === 'firing' ? 'unusual' : 'back to normal') ? [] : ['its status']
    if (kind === 'start') return ours.includes(`<!date^${first}^`) ? [] : ['its start']
    if (kind !== 'label' || first === 'alertname') return []
    if (first === 'metric' || first === 'severity') return ours.includes(value) ? [] : [`its ${first}`]
    return ours.includes(`${first} = ${value}`) ? [] : [`the label ${first}`]
  })
}

describe.skipIf(!program)('a message of ours', () => {
  test('has everything that the one of Alertmanager has, and what it should have been and why', { timeout: 90_000 }, async () => {
    const both = await bothAbout([episode('a').opened], 'FIRING')
    expect(both.theirs).toContain('label instance node-a:9100')
    expect(both.theirs).toMatch(/start \d{10}/)
    expect(missingIn(both)).toEqual([])
    for (const more of ['*Actual*\n12.5', '*Expected*\n0.8 (0.2 to 1.9)', 'Why\nlevel 100 %', '*Score*\n2.4']) {
      expect(both.ours).toContain(more)
      expect(both.theirs).not.toContain(more)
    }
  })

  test('has it at the end, too, and how long it lasted', { timeout: 90_000 }, async () => {
    const { opened, resolved } = episode('a')
    const both = await bothAbout([opened, { ...resolved, severity: 'warning' }], 'RESOLVED')
    expect(missingIn(both)).toEqual([])
    expect(both.ours).toContain('*Lasted*\n3 min')
  })
})
