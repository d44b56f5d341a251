/**
 * A Slack message for one state of an alert: what, where, since when, actual against expected, why, and where to look.
 *
 * Whatever comes from outside (metric, labels) stands in plain text, with `&`, `<` and `>` escaped and invisible characters
 * replaced, so a label `<!channel>` pings nobody and none forges a line. Texts are cut to Slack's limits between characters,
 * never inside one or inside an escape. The incident's id is in the message, because a webhook has no key against sending twice.
 *
 * Whether Slack takes the payload cannot be tested without Slack; the limits below are those it documents.
 *
 * Source: Slack "Block Kit: blocks", "Formatting text for app surfaces".
 */
import type { Alert, Label, Severity } from '@lapwing/contracts/records'
import { bandText, durationMs, durationText, episodePage, numberText, reasonsText, summaryText } from './alert-text.ts'
import type { Delivery } from './reconcile.ts'

export interface SlackMessage {
  /** What a phone shows, and what a client without blocks shows. */
  readonly text: string
  readonly blocks: readonly SlackBlock[]
}

export type SlackBlock =
  | { readonly type: 'header'; readonly text: SlackText }
  | { readonly type: 'section'; readonly text: SlackText }
  | { readonly type: 'section'; readonly fields: readonly SlackText[] }
  | { readonly type: 'context'; readonly elements: readonly SlackText[] }

export type SlackText =
  | { readonly type: 'plain_text'; readonly text: string; readonly emoji: false }
  | { readonly type: 'mrkdwn'; readonly text: string; readonly verbatim: true }

/** Slack's limits, in UTF-16 units, the strictest way of counting. */
export const slackLimits = { blocks: 50, header: 150, text: 3000, field: 2000, fields: 10 } as const

export function slackMessage(delivery: Delivery, pageUrl: string): SlackMessage {
  const { alert } = delivery
  const title = `${titleMark(delivery)} ${visible(summaryText(alert))}`
  return {
    text: plainCut(`${title}: ${numberText(alert.value)}, expected ${bandText(alert)}`, slackLimits.text),
    blocks: [
      { type: 'header', text: plain(title, slackLimits.header) },
      { type: 'section', fields: facts(alert) },
      { type: 'section', text: plain(whereText(alert.labels), slackLimits.text) },
      {
        type: 'context',
        elements: [markdown(`<${linkTarget(pageUrl, alert)}|Open in Lapwing>`), plain(`Incident ${alert.id}`, slackLimits.field)],
      },
    ],
  }
}

function titleMark({ alert, tellings }: Delivery): string {
  if (alert.state === 'resolved') return '🟢 Resolved:'
  const word = severityMarks[alert.severity]
  return tellings.length > 1 ? `${word} (was ${tellings.at(-2)?.severity}):` : `${word}:`
}

const severityMarks = { critical: '🔴 Critical', warning: '🟠 Warning', info: '🔵 Info' } as const satisfies Record<
  Severity,
  string
>

/** At most ten fields. The texts marked up here are ours and numbers; the reason's name is not and stays plain. */
function facts(alert: Alert): SlackText[] {
  const lastedMs = durationMs(alert)
  return [
    markdown(`*Actual*\n${numberText(alert.value)}`),
    markdown(`*Expected*\n${numberText(alert.expected)} (${bandText(alert)})`),
    markdown(`*Since*\n${dateText(alert.startedAtMs)}`),
    lastedMs === null ? markdown(`*Severity*\n${alert.severity}`) : markdown(`*Lasted*\n${durationText(lastedMs)}`),
    markdown(`*Score*\n${numberText(alert.score)} (above 1 is unusual)`),
    plain(`Why\n${visible(reasonsText(alert)) || 'no single reason'}`, slackLimits.field),
  ]
}

/** One label a line. */
function whereText(labels: readonly Label[]): string {
  const lines = labels.filter(({ name }) => name !== '__name__').map(({ name, value }) => `${visible(name)} = ${visible(value)}`)
  return lines.length > 0 ? lines.join('\n') : 'no labels'
}

/** Shown in the reader's time zone. */
function dateText(atMs: number): string {
  const fallback = new Date(atMs).toISOString().replace('T', ' ').slice(0, 16)
  return `<!date^${Math.floor(atMs / 1000)}^{date_short_pretty} {time}|${fallback} UTC>`
}

function plain(text: string, limit: number): SlackText {
  return { type: 'plain_text', text: plainCut(text, limit), emoji: false }
}

/** Only for texts of our own: `verbatim` keeps Slack from making links and mentions out of the rest. */
function markdown(text: string): SlackText {
  return { type: 'mrkdwn', text, verbatim: true }
}

function plainCut(text: string, limit: number): string {
  let cut = ''
  for (const character of text) {
    const escaped = escapes.get(character) ?? character
    if (cut.length + escaped.length > limit - 1) return `${cut}…`
    cut += escaped
  }
  return cut
}

const escapes = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
])

/** Line breaks, direction marks and halves of characters become spaces. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, ' ').trim()
}

/** The page of the episode, or the first page when an id is too long for a text. */
function linkTarget(pageUrl: string, alert: Alert): string {
  const target = episodePage(pageUrl, alert).replaceAll('&', '&amp;').replace(/[<>|]/g, encodeURIComponent)
  return target.length < slackLimits.field / 2 ? target : pageUrl
}
