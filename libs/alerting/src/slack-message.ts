/**
 * A Slack message for one state of an incident: what, where, since when, actual against expected, likely causes, where to look.
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
import {
  bandText,
  beganAnew,
  durationMs,
  durationText,
  episodePage,
  graphPage,
  isGone,
  numberText,
  reasonsText,
  summaryText,
} from './alert-text.ts'
import { bandGauge } from './band-gauge.ts'
import { type Digest, leftOutCount } from './digest.ts'
import { likelyCauses } from './likely-causes.ts'
import type { LinkTemplate } from './link-template.ts'
import type { PodContext } from './pod-context.ts'
import { reasonText } from './reason-text.ts'
import type { Delivery } from './reconcile.ts'
import { type PartitionOf, type SlackActions, verdictButtons } from './slack-buttons.ts'
import { sparkline } from './sparkline.ts'
import { type SaidVerdict, verdictText } from './verdict.ts'

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
  | SlackPicture
  | SlackActions

/** Of a file that the app has uploaded. */
export interface SlackPicture {
  readonly type: 'image'
  readonly slack_file: { readonly id: string }
  readonly alt_text: string
}

export type SlackText =
  | { readonly type: 'plain_text'; readonly text: string; readonly emoji: false }
  | { readonly type: 'mrkdwn'; readonly text: string; readonly verbatim: true }

/** Slack's limits, in UTF-16 units, the strictest way of counting. */
export const slackLimits = { blocks: 50, header: 150, text: 3000, field: 2000, fields: 10, altText: 2000 } as const

/** Where a message leads. */
export interface SlackLinks {
  /** Address of the web interface, without a trailing slash. */
  readonly pageUrl: string
  readonly runbook: LinkTemplate | undefined
  /** Of the Prometheus that people open, without a trailing slash; undefined for none. */
  readonly prometheusUrl: string | undefined
  /** Where the anomaly records of an alert are, for the buttons; undefined where nobody would hear of one that is pressed. */
  readonly partitionOf: PartitionOf | undefined
}

/** What is known beside the alert; empty where nothing is. */
export interface MessageContext {
  /** Evenly spaced values of the leading series up to now, for a line of them. */
  readonly window: readonly number[]
  /** What happened to the pods that it is about. */
  readonly pods: readonly PodContext[]
}

const noContext: MessageContext = { window: [], pods: [] }

export function slackMessage(delivery: Delivery, links: SlackLinks, { window, pods }: MessageContext = noContext): SlackMessage {
  const { alert, members, quietedBy } = delivery
  const title = `${titleMark(delivery)} ${visible(titleText(delivery))}`
  return {
    text: plainCut(`${title}: ${numberText(alert.value)}, expected ${bandText(alert)}`, slackLimits.text),
    blocks: [
      { type: 'header', text: plain(title, slackLimits.header) },
      { type: 'section', fields: facts(alert, window) },
      ...(quietedBy ? [{ type: 'section', text: plain(quietText(quietedBy), slackLimits.text) } as const] : []),
      { type: 'section', text: plain(whereText(sharedLabels(members)), slackLimits.text) },
      ...(members.length > 1 ? [{ type: 'section', text: plain(causesText(members), slackLimits.text) } as const] : []),
      ...(pods.length > 0 ? [{ type: 'section', text: plain(podsText(pods), slackLimits.text) } as const] : []),
      ...(links.partitionOf ? verdictButtons(members, quietedBy ? 'quiet' : firingOrOver(alert), links.partitionOf) : []),
      { type: 'context', elements: [...linkTexts(alert, links), plain(`Incident ${alert.id}`, slackLimits.field)] },
    ],
  }
}

/** The message with a picture below its facts. */
export function withPicture({ text, blocks }: SlackMessage, fileId: string, altText: string): SlackMessage {
  const picture: SlackPicture = {
    type: 'image',
    slack_file: { id: fileId },
    alt_text: [...visible(altText)].slice(0, slackLimits.altText / 2).join(''),
  }
  return { text, blocks: [...blocks.slice(0, 2), picture, ...blocks.slice(2)] }
}

function firingOrOver({ state }: Alert): 'firing' | 'resolved' {
  return state === 'resolved' ? 'resolved' : 'firing'
}

function titleText({ alert, members, quietedBy }: Delivery): string {
  if (quietedBy) return `${members.length === 1 ? alert.metric : `${members.length} series, ${alert.metric} among them`}`
  if (members.length === 1) return summaryText(alert)
  if (alert.state === 'resolved') return `${members.length} series are ${endText(members)}, ${alert.metric} among them`
  return `${members.length} series are unusual, ${alert.metric} first of all`
}

function endText(members: readonly Alert[]): string {
  if (members.some(({ reason }) => reason === beganAnew))
    return 'no longer unusual, or no longer followed because their detector began anew'
  return members.some(isGone) ? 'back to normal or went away' : 'back to normal'
}

function linkTexts(alert: Alert, { pageUrl, runbook, prometheusUrl }: SlackLinks): SlackText[] {
  const page = markdown(`<${linkTarget(pageUrl, alert)}|Open in Lapwing>`)
  const graph = prometheusUrl === undefined ? undefined : graphPage(prometheusUrl, alert)
  return [page, ...link(graph, 'Graph in Prometheus'), ...link(runbook?.(alert), 'Runbook')]
}

/** None for an address that is too long for a text. */
function link(address: string | undefined, name: string): SlackText[] {
  const target = address?.replaceAll('&', '&amp;').replace(/[<>|]/g, encodeURIComponent)
  return target && target.length < slackLimits.field / 2 ? [markdown(`<${target}|${name}>`)] : []
}

/** Labels that all of them have, in the order of the first. */
function sharedLabels([first, ...others]: readonly Alert[]): readonly Label[] {
  const has = ({ labels }: Alert, { name, value }: Label) => labels.some((each) => each.name === name && each.value === value)
  return first?.labels.filter((label) => others.every((other) => has(other, label))) ?? []
}

function quietText(said: SaidVerdict): string {
  return `It goes on, and is not told any more: ${visible(verdictText(said))}. Taking that back brings it back.`
}

const causesShown = 5

function causesText(members: readonly Alert[]): string {
  const lines = likelyCauses(members, causesShown).map(({ alert, because }, i) => {
    const reasons = because.length > 0 ? ` (${because.join(', ')})` : ''
    return `${i + 1}. ${visible(alert.metric)}: ${numberText(alert.value)}, expected ${bandText(alert)}${reasons}`
  })
  const more = members.length - lines.length
  return ['Likely causes', ...lines, ...(more > 0 ? [`and ${more} more series`] : [])].join('\n')
}

function podsText(pods: readonly PodContext[]): string {
  return ['On Kubernetes', ...pods.map(({ when, text }) => `${when}: ${visible(text)}`)].join('\n')
}

function titleMark({ alert, tellings, quietedBy }: Delivery): string {
  if (quietedBy) return `⚪ Quiet, ${quietedBy.verdict.replace('_', ' ')}:`
  if (alert.state === 'resolved') return '🟢 Resolved:'
  const word = severityMarks[alert.severity]
  const before = tellings.at(-2)
  if (!before) return `${word}:`
  return before.state === 'resolved' ? `${word}, again:` : `${word} (was ${before.severity}):`
}

const severityMarks = { critical: '🔴 Critical', warning: '🟠 Warning', info: '🔵 Info' } as const satisfies Record<
  Severity,
  string
>

/** At most ten fields. The texts marked up here are ours and numbers; the reason's name is not and stays plain. */
function facts(alert: Alert, window: readonly number[]): SlackText[] {
  const lastedMs = durationMs(alert)
  return [
    markdown(`*Actual*\n${numberText(alert.value)}`),
    markdown(`*Expected*\n${numberText(alert.expected)} (${bandText(alert)})`),
    markdown(`*Since*\n${dateText(alert.startedAtMs)}`),
    markdown(`*Severity*\n${alert.severity}`),
    ...(lastedMs === null ? [] : [markdown(`*Lasted*\n${durationText(lastedMs)}`)]),
    markdown(`*Score*\n${numberText(alert.score)} (above 1 is unusual)`),
    plain(`Why\n${visible(reasonsText(alert)) || 'no single reason'}`, slackLimits.field),
    ...gaugeOf(alert),
    ...courseOf(alert, window),
  ]
}

function gaugeOf({ value, lower, upper }: Alert): SlackText[] {
  const gauge = bandGauge(value, lower, upper)
  return gauge === '' ? [] : [markdown(`*Range*\n\`${gauge}\``)]
}

function courseOf(alert: Alert, window: readonly number[]): SlackText[] {
  const course = sparkline(window, alert)
  if (!course) return []
  const band = course.band ? `\nexpected ${course.band.lower} to ${course.band.upper}` : ''
  return [markdown(`*Course*\n\`${course.line}\`${band}`)]
}

/** One label a line. */
function whereText(labels: readonly Label[]): string {
  const lines = labels.filter(({ name }) => name !== '__name__').map(({ name, value }) => `${visible(name)} = ${visible(value)}`)
  return lines.length > 0 ? lines.join('\n') : 'no labels in common'
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

/** The digest of a route as one message. */
export function slackDigest(digest: Digest, route: string, { pageUrl }: SlackLinks): SlackMessage {
  const title = `Digest of ${route}: ${leftOutCount(digest)} alerts were not told`
  const reasons = Object.entries(digest.counts).map(([reason, count]) => `${count}: ${reasonText(reason)}`)
  const named = digest.worst.map(
    ({ severity, metric, where, reason, score }) =>
      `${severity}: ${visible(metric)} on ${visible(where)}, score ${numberText(score)} (${reason})`,
  )
  return {
    text: plainCut(title, slackLimits.text),
    blocks: [
      { type: 'header', text: plain(title, slackLimits.header) },
      { type: 'section', text: markdown(`Since ${dateText(digest.sinceMs)}`) },
      { type: 'section', text: plain(reasons.join('\n'), slackLimits.text) },
      { type: 'section', text: plain(['The worst of them', ...named].join('\n'), slackLimits.text) },
      { type: 'context', elements: [markdown(`<${pageUrl}|Open in Lapwing>`)] },
    ],
  }
}
