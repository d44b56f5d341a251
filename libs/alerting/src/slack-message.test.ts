import type { Alert } from '@lapwing/contracts/records'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { alertRecord, startedAtMs } from '../testing/alert.ts'
import { linkTemplate } from './link-template.ts'
import type { Delivery, Telling } from './reconcile.ts'
import { type MessageContext, type SlackText, slackDigest, slackLimits, slackMessage } from './slack-message.ts'

const warned: Telling = { state: 'firing', severity: 'warning', atMs: startedAtMs }
const escalated: Telling = { state: 'firing', severity: 'critical', atMs: startedAtMs }

const message = (
  alert: Alert,
  tellings: Telling[] = [warned],
  members: readonly Alert[] = [alert],
  { quietedBy, window = [], pods = [] }: { quietedBy?: Delivery['quietedBy'] } & Partial<MessageContext> = {},
) => {
  const told = { repeated: false, continuedAt: null, messageRef: '', records: [], attempt: 1 }
  const delivery: Delivery = { alert, tellings, members, quietedBy, ...told }
  const runbook = linkTemplate('http://runbooks/{metric}?a=1&b={label:job}')
  return slackMessage(
    delivery,
    { pageUrl: 'http://page', prometheusUrl: 'http://prom', runbook, partitionOf: () => 3 },
    { window, pods },
  )
}
const textsOf = (built: ReturnType<typeof slackMessage>): SlackText[] =>
  built.blocks.flatMap((block) => {
    if (block.type === 'image') return []
    if (block.type === 'actions') return block.elements.map(({ text }) => text)
    return 'text' in block ? [block.text] : 'fields' in block ? block.fields : block.elements
  })
const allText = (built: ReturnType<typeof slackMessage>) =>
  textsOf(built)
    .map(({ text }) => text)
    .join('\n')

describe('a message', () => {
  test('tells what, where, since when, actual against expected, why, and where to look', () => {
    const text = allText(message(alertRecord()))
    for (const fact of [
      '🟠 Warning: node_load1 is unusual',
      'instance = node-1:9100',
      '*Since*\n<!date^1767607200^{date_short_pretty} {time}|2026-01-05 10:00 UTC>',
      '*Actual*\n12.5',
      '*Expected*\n0.8 (0.2 to 1.9)',
      '*Score*\n2.4',
      'Why\nlevel 70 %, novelty 30 %',
      '<http://page/?series=series-1&amp;anomaly=episode-1|Open in Lapwing>',
      'Incident episode-1',
    ]) {
      expect(text).toContain(fact)
    }
  })

  test('tells what happened to the pods, in words that ping nobody', () => {
    const pods = [
      { atMs: 0, when: '3 min before', text: 'Pod shop/cart-1: container <!channel> ended (OOMKilled, exit code 137)' },
    ]
    expect(allText(message(alertRecord(), [warned], undefined, { pods }))).toContain(
      'On Kubernetes\n3 min before: Pod shop/cart-1: container &lt;!channel&gt; ended (OOMKilled, exit code 137)',
    )
    expect(allText(message(alertRecord()))).not.toContain('On Kubernetes')
  })

  test('tells what it was before it got worse', () => {
    expect(message(alertRecord({ severity: 'critical' }), [warned, escalated]).text).toMatch(
      /^🔴 Critical \(was warning\): node_load1/,
    )
  })

  test('tells how long it lasted once it is over', () => {
    const over = message(alertRecord({ state: 'resolved', endedAtMs: startedAtMs + 200 * 60_000 }))
    expect(over.text).toMatch(/^🟢 Resolved: node_load1 is back to normal/)
    expect(allText(over)).toContain('*Lasted*\n3 h 20 min')
  })
})

describe('the message of an incident', () => {
  test('does not call normal what nobody saw become so', () => {
    const over = (reason: string, value = 1) => alertRecord({ state: 'resolved', endedAtMs: startedAtMs + 60_000, reason, value })
    const titleOf = (...members: readonly ReturnType<typeof over>[]) => message(members[0]!, [warned], members).text
    expect(titleOf(over('resolved'), over('resolved'))).toMatch(/^🟢 Resolved: 2 series are back to normal, /)
    expect(titleOf(over('resolved'), over('resolved', Number.NaN))).toMatch(
      /^🟢 Resolved: 2 series are back to normal or went away, /,
    )
    expect(titleOf(over('resolved'), over('began_anew'))).toMatch(
      /^🟢 Resolved: 2 series are no longer unusual, or no longer followed because their detector began anew, /,
    )
  })

  const members = Array.from({ length: 60 }, (_, i) =>
    alertRecord({
      ...{ id: `e${i}`, metric: `metric_${i}`, startedAtMs: startedAtMs + i, score: i === 7 ? 40 : 2 },
      labels: [
        { name: 'instance', value: 'node-7:9100' },
        { name: 'device', value: `sd${i}` },
      ],
    }),
  )
  const incident = alertRecord({ id: 'e0', metric: 'metric_0', severity: 'critical' })

  test.each([
    ['one-series', message(alertRecord())],
    ['node-failure', message(incident, [escalated], members)],
    ['node-again', message(incident, [escalated, { ...escalated, state: 'resolved' }, escalated], members)],
    ['node-over', message({ ...incident, state: 'resolved', endedAtMs: startedAtMs + 600_000 }, [escalated], members)],
    [
      'node-quiet',
      message({ ...incident, state: 'resolved', endedAtMs: startedAtMs + 600_000 }, [escalated], members, {
        quietedBy: {
          ...{ verdict: 'expected', author: 'ann', comment: '<!channel> moves', origin: 'cli', atMs: startedAtMs + 600_000 },
          untilMs: startedAtMs + 7_200_000,
        },
      }),
    ],
    ['with-course', message(alertRecord(), [warned], undefined, { window: [0.8, 0.7, 1.2, Number.NaN, 0.9, 4, 11, 12.5] })],
  ])('is as the golden file %s', async (name, built) => {
    await expect(`${JSON.stringify(built, null, 2)}\n`).toMatchFileSnapshot(`../test/golden/slack-${name}.json`)
  })

  test('has what its series share, the likeliest causes and how many more there are', () => {
    const text = allText(message(incident, [escalated], members))
    expect(text).toContain('🔴 Critical: 60 series are unusual, metric_0 first of all')
    expect(text).toContain('instance = node-7:9100')
    expect(text).not.toContain('device')
    expect(text).toMatch(/Likely causes\n1\. metric_7: 12\.5, expected 0\.2 to 1\.9 \(strongest\)\n2\. metric_0: .*\(earliest\)/)
    expect(text).toContain('and 55 more series')
  })
})

test('a digest says how many, why, and which were the worst', () => {
  const worst = { alertId: 'a', metric: '<!here>', where: 'job=x', severity: 'warning', score: 3, reason: 'muted' } as const
  const built = slackDigest({ sinceMs: startedAtMs, counts: { muted: 3, over_budget: 1 }, worst: [worst] }, 'default', {
    pageUrl: 'http://page',
    ...{ runbook: undefined, prometheusUrl: undefined, partitionOf: undefined },
  })
  expect(built.text).toBe('Digest of default: 4 alerts were not told')
  expect(allText(built)).toContain('3: it is muted\n1: the budget of the route asks for a higher score')
  expect(allText(built)).toContain('The worst of them\nwarning: &lt;!here&gt; on job=x, score 3 (muted)')
})

describe('whatever a label says', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 5000 }),
    fc.constantFrom(
      '<!channel>',
      '<http://evil|Open in Lapwing>',
      '&lt;!here&gt;',
      'a\nActual: 0',
      '\u202Egnp.exe',
      '😀'.repeat(4000),
      '&'.repeat(4000),
    ),
  )
  const alerts = fc
    .record({
      metric: hostile,
      id: hostile,
      reasons: fc.array(fc.record({ name: hostile, share: fc.double({ min: 0, max: 1, noNaN: true }) }), { maxLength: 9 }),
      labels: fc.array(fc.record({ name: hostile, value: hostile }), { maxLength: 40 }),
    })
    .map(alertRecord)

  test('the message stays within the limits of Slack', () => {
    fc.assert(
      fc.property(alerts, (alert) => {
        const built = message(alert)
        expect(built.blocks.length).toBeLessThanOrEqual(slackLimits.blocks)
        expect(built.text.length).toBeLessThanOrEqual(slackLimits.text)
        for (const block of built.blocks) {
          if (block.type === 'header') expect(block.text.text.length).toBeLessThanOrEqual(slackLimits.header)
          if ('fields' in block) expect(block.fields.length).toBeLessThanOrEqual(slackLimits.fields)
        }
        for (const { type, text } of textsOf(built)) {
          expect(text.length).toBeGreaterThan(0)
          expect(text.length).toBeLessThanOrEqual(type === 'mrkdwn' ? slackLimits.field : slackLimits.text)
        }
      }),
    )
  })

  test('it pings nobody, links nowhere, and no character or escape is cut in two', () => {
    fc.assert(
      fc.property(alerts, (alert) => {
        const built = message(alert)
        const plain = [built.text, ...textsOf(built).flatMap(({ type, text }) => (type === 'plain_text' ? [text] : []))]
        for (const text of plain) {
          expect(text).not.toMatch(/[<>]/)
          expect(text.replace(/&(amp|lt|gt);/g, '')).not.toContain('&')
          expect(text).not.toMatch(/\p{Cs}/u)
        }
        const [link] = textsOf(built).filter(({ text }) => text.includes('Open in Lapwing') && text.startsWith('<http://page'))
        expect(link?.text.match(/[<>|]/g)).toEqual(['<', '|', '>'])
      }),
    )
  })

  test('it forges no line of its own', () => {
    const text = allText(message(alertRecord({ labels: [{ name: 'job', value: 'a\nseverity = none' }] })))
    expect(text).toContain('job = a severity = none')
  })
})
