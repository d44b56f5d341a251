/**
 * Alerts as Alertmanager's API takes them.
 *
 * Identity there is the label set, so labels hold only what doesn't change while an alert lasts: `alertname`, `severity`,
 * `metric` and the series' own. What does change (values, score, the episode) stands in annotations. `severity` is a label
 * although it may rise, because people route by it; when it rises, the alert under the old severity is ended in the same
 * request that opens the new one, and its end is sent again for as long as a resolution is.
 *
 * Two episodes of a series at one severity are one alert there. While the later one fires, an end of the earlier one must not
 * be sent any more: it would end both.
 *
 * Alertmanager keeps no alerts on disk and ends what is not sent again in time, hence the end time some intervals ahead.
 *
 * Source: Alertmanager "Alerts API"; Prometheus "UTF-8 label names", escaping by values, for names that Alertmanager 0.25 refuses.
 */
import type { Alert, Label, Severity } from '@lapwing/contracts/records'
import { descriptionText, episodePage, numberText, summaryText } from './alert-text.ts'
import type { PodContext } from './pod-context.ts'
import type { Delivery, Telling } from './reconcile.ts'

export interface AlertmanagerAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** RFC 3339. */
  readonly startsAt: string
  readonly endsAt: string
  readonly generatorURL: string
}

export interface AlertmanagerPolicy {
  readonly resendMs: number
  readonly resendResolvedForMs: number
  /** Address of the web interface, without a trailing slash. */
  readonly pageUrl: string
}

/** An alert that fires ends this many re-sends ahead: three may fail in a row before Alertmanager ends it. */
const resendsAhead = 4

/** What is known at the moment of posting. */
export interface PostingContext {
  readonly nowMs: number
  /** What happened to the pods that the alert is about, oldest first. */
  readonly pods: readonly PodContext[]
}

/** The alerts to post for one delivery, earliest severity first; empty when a later episode has taken over every identity. */
export function alertmanagerAlerts(
  delivery: Delivery,
  policy: AlertmanagerPolicy,
  { nowMs, pods }: PostingContext,
): AlertmanagerAlert[] {
  const { alert, tellings, continuedAt } = delivery
  const toAlertmanager = (severity: Severity, endsAtMs: number): AlertmanagerAlert => ({
    labels: identityLabels(alert, severity),
    annotations: annotationsOf(alert, pods),
    startsAt: new Date(Math.min(alert.startedAtMs, endsAtMs)).toISOString(),
    endsAt: new Date(endsAtMs).toISOString(),
    generatorURL: episodePage(policy.pageUrl, alert),
  })
  return tellings.flatMap((telling, i) => {
    if (telling.state !== 'firing') return []
    const next = tellings[i + 1]
    if (!next) return [toAlertmanager(telling.severity, nowMs + resendsAhead * policy.resendMs)]
    if (telling.severity === continuedAt || nowMs > next.atMs + policy.resendResolvedForMs) return []
    return [toAlertmanager(telling.severity, Math.min(endOf(alert, next), nowMs))]
  })
}

/** A severity ends with the episode, or when the next one was told. */
function endOf(alert: Alert, next: Telling): number {
  return next.state === 'resolved' ? (alert.endedAtMs ?? next.atMs) : next.atMs
}

function annotationsOf(alert: Alert, pods: readonly PodContext[]): AlertmanagerAlert['annotations'] {
  return {
    summary: summaryText(alert),
    description: descriptionText(alert),
    value: numberText(alert.value),
    expected: numberText(alert.expected),
    score: numberText(alert.score),
    episode: alert.id,
    ...(pods.length > 0 && { pods: pods.map(({ when, text }) => `${when}: ${text}`).join('\n') }),
  }
}

/** The series' labels under names that are legal and not taken; the metric's name has its own label. */
export function identityLabels(alert: Pick<Alert, 'metric' | 'labels'>, severity: Severity): Record<string, string> {
  const labels = new Map([
    ['alertname', 'LapwingAnomaly'],
    ['severity', severity],
    ['metric', alert.metric],
  ])
  for (const label of alert.labels) {
    if (label.name !== '__name__') labels.set(freeName(label, labels), label.value)
  }
  return Object.fromEntries(labels)
}

function freeName(label: Label, taken: ReadonlyMap<string, string>): string {
  let name = legalName(label.name)
  while (taken.has(name)) name = `exported_${name}`
  return name
}

/** Two different names never become one: every character that is not legal becomes its number between underscores. */
function legalName(name: string): string {
  if (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) return name
  const escaped = [...name].map((character, i) => {
    if (character === '_') return '__'
    const legal = i === 0 ? /[a-zA-Z]/ : /[a-zA-Z0-9]/
    return legal.test(character) ? character : `_${character.codePointAt(0)?.toString(16)}_`
  })
  return `U__${escaped.join('')}`
}
