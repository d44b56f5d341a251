/** An anomaly laid open: what was seen and expected, why, what happened in order and who was told, what else went on, what people say of it. */
import { endText } from '@lapwing/contracts/episode-end'
import { useEffect, useRef } from 'preact/hooks'
import type { AnomalyDetail, AnomalyView, NotificationView } from '../api-model.ts'
import { Copyable } from './copyable.tsx'
import { formatTime, formatValue, unitOf } from './format.ts'
import { besides } from './incidents.ts'
import { MuteForm } from './mute-form.tsx'
import { muteCommand, muteYaml } from './mute-text.ts'
import { Outcome, words } from './outcome.tsx'
import { reasonMeaning } from './reasons.ts'
import { VerdictForm } from './verdict-form.tsx'

interface StoryProperties {
  anomaly: AnomalyView
  detail: AnomalyDetail | undefined
  others: readonly AnomalyView[]
  nowMs: number
  onToggle: (anomaly: AnomalyView) => void
}

export function Story({ anomaly, detail, others, nowMs, onToggle }: StoryProperties) {
  const unit = unitOf(anomaly.metric)
  const story = useRef<HTMLTableRowElement>(null)
  useEffect(() => {
    // Who follows a link on a narrow screen would see the list of series and nothing of what the link is about.
    const row = story.current?.previousElementSibling
    if (row && row.getBoundingClientRect().top > innerHeight) row.scrollIntoView()
  }, [])
  return (
    <tr class="story" ref={story}>
      <td colSpan={7}>
        <p class="full-name">{anomaly.text}</p>
        <p>
          Expected {formatValue(anomaly.expected, unit)} ({formatValue(anomaly.lower, unit)} to {formatValue(anomaly.upper, unit)}
          ), was {formatValue(anomaly.value, unit)}; score {formatValue(anomaly.score, '')}, highest{' '}
          {formatValue(anomaly.peakScore, '')}; confidence {formatValue(anomaly.confidence, 'ratio')}; model {anomaly.model}.
        </p>
        {anomaly.suppressedBy && <p>Held back: a verdict says {words(anomaly.suppressedBy)}.</p>}
        <div class="columns">
          <div>
            <h3>Why</h3>
            <ul class="causes">
              {anomaly.reasons.map(({ name, share }) => (
                <li key={name}>
                  <b>
                    {name} {Math.round(share * 100)} %
                  </b>{' '}
                  {reasonMeaning(name)}
                </li>
              ))}
            </ul>
            <Pods pods={detail?.pods ?? []} />
            <Besides anomalies={besides(anomaly, others)} onToggle={onToggle} />
          </div>
          <div>
            <h3>What happened</h3>
            <Timeline anomaly={anomaly} detail={detail} nowMs={nowMs} />
          </div>
        </div>
        <VerdictForm key={anomaly.episodeId} anomaly={anomaly} nowMs={nowMs} />
        <MuteForm key={`mute/${anomaly.episodeId}`} episodeId={anomaly.episodeId} nowMs={nowMs} />
        <details>
          <summary>Mute it in a file that people review</summary>
          <p class="muted">
            Planned work belongs there; a running alerter reads it within two seconds. On the machine that has it:
          </p>
          <Copyable text={muteCommand(anomaly)} label="Command that mutes this series" />
          <p class="muted">Or as an entry of the file:</p>
          <Copyable text={muteYaml(anomaly, nowMs)} label="Entry for the file of mutes" />
        </details>
      </td>
    </tr>
  )
}

function Pods({ pods }: Pick<AnomalyDetail, 'pods'>) {
  if (pods.length === 0) return null
  return (
    <>
      <h3>On Kubernetes</h3>
      <ul>
        {pods.map(({ atMs, text, when }) => (
          <li key={`${atMs} ${text}`}>
            <small>{when}</small> {text}
          </li>
        ))}
      </ul>
    </>
  )
}

function Besides({ anomalies, onToggle }: { anomalies: readonly AnomalyView[]; onToggle: (anomaly: AnomalyView) => void }) {
  if (anomalies.length === 0) return null
  return (
    <>
      <h3>At the same time, same place</h3>
      <ul>
        {anomalies.slice(0, besidesShown).map((other) => (
          <li key={other.episodeId}>
            <button type="button" class="link" onClick={() => onToggle(other)}>
              {other.metric || other.text}
            </button>{' '}
            <small>{other.severity}</small>
          </li>
        ))}
      </ul>
    </>
  )
}

const besidesShown = 10

/** The anomaly's own records and what became of each notification. */
function Timeline({ anomaly, detail, nowMs }: { anomaly: AnomalyView; detail: AnomalyDetail | undefined; nowMs: number }) {
  const unit = unitOf(anomaly.metric)
  const steps = (detail?.steps ?? []).map(({ id, atMs, state, severity, value, score }) => ({
    id,
    atMs,
    text:
      state === 'resolved'
        ? endedText(anomaly, value)
        : `${storyWords[state]} as ${severity}: ${formatValue(value, unit)}, score ${formatValue(score, '')}`,
    notification: undefined,
  }))
  const told = (detail?.anomaly ?? anomaly).notifications.map((notification) => ({
    id: notification.id,
    atMs: notification.atMs,
    text: deliveredText(notification),
    notification,
  }))
  return (
    <ol>
      {[...steps, ...told]
        .sort((a, b) => a.atMs - b.atMs)
        .map(({ id, atMs, text, notification }) => (
          <li key={id}>
            <time>{formatTime(atMs, nowMs)}</time>
            <span>
              {notification && <Outcome notification={notification} />} {text}
              {notification?.error && <small> {notification.error}</small>}
            </span>
          </li>
        ))}
    </ol>
  )
}

/** `firing, escalated`; an end has no other reason than that it ended. */
function deliveredText({ outcome, state, reason }: NotificationView): string {
  return outcome !== 'delivered' || reason === state ? state : `${state}, ${words(reason)}`
}

const storyWords = { open: 'opened', escalated: 'escalated', unknown: 'changed' } as const

/** `ended: the series was normal again (310 ms)`; of what was kept before reasons were, only that it ended. */
function endedText({ endReason, metric }: AnomalyView, value: number | null): string {
  const why = endReason === '' ? '' : `: ${endText(endReason)}`
  return `ended${why}${value === null ? '' : ` (${formatValue(value, unitOf(metric))})`}`
}
