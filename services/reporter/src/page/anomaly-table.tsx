/** Anomalies, newest first: what, how far off, why, how long, and who was told or why nobody was. A row opens its series and its story. */
import type { Reason } from '@lapwing/contracts/records'
import { Fragment } from 'preact'
import type { AnomalyDetail, AnomalyView, NotificationView } from '../api-model.ts'
import { Story } from './anomaly-story.tsx'
import { Breakable } from './breakable.tsx'
import { formatDuration, formatTime, formatValue, unitOf } from './format.ts'
import { isUnusualEnd, Outcome, words } from './outcome.tsx'
import { TableHead } from './table-head.tsx'

interface AnomalyTableProperties {
  anomalies: readonly AnomalyView[]
  openedId: string | undefined
  opened: AnomalyDetail | undefined
  /** The one that is opened is none that the service knows. */
  isMissing: boolean
  nowMs: number
  onToggle: (anomaly: AnomalyView) => void
}

export function AnomalyTable({ anomalies, openedId, opened, isMissing, nowMs, onToggle }: AnomalyTableProperties) {
  const open = anomalies.filter((anomaly) => anomaly.state !== 'resolved').length
  return (
    <section class="anomalies" aria-labelledby="anomalies-title">
      <h2 id="anomalies-title">
        Anomalies {open > 0 ? <span class="open-count">{open} open</span> : <span class="muted">none open</span>}
      </h2>
      {isMissing && <p class="none notice">The anomaly of this address is not kept any more.</p>}
      {anomalies.length === 0 ? (
        <p class="none">
          No anomaly so far. One appears here as soon as a score stays above 1, with what was expected and who was told.
        </p>
      ) : (
        <table>
          <TableHead columns={['Started', 'Series', 'Severity', 'Actual, expected', 'Why', 'Lasted', 'Told']} />
          <tbody>
            {anomalies.map((anomaly) => {
              const isOpened = anomaly.episodeId === openedId
              return (
                <Fragment key={anomaly.episodeId}>
                  <AnomalyRow anomaly={anomaly} isOpened={isOpened} nowMs={nowMs} onToggle={onToggle} />
                  {isOpened && <Story anomaly={anomaly} detail={opened} others={anomalies} nowMs={nowMs} onToggle={onToggle} />}
                </Fragment>
              )
            })}
          </tbody>
        </table>
      )}
    </section>
  )
}

interface AnomalyRowProperties {
  anomaly: AnomalyView
  isOpened: boolean
  nowMs: number
  onToggle: (anomaly: AnomalyView) => void
}

/** The whole row takes a click; for the keyboard the series is a button. */
function AnomalyRow({ anomaly, isOpened, nowMs, onToggle }: AnomalyRowProperties) {
  const unit = unitOf(anomaly.metric)
  const { name, labels } = nameAndLabels(anomaly)
  const isOpen = anomaly.state !== 'resolved'
  const untilMs = anomaly.endedAtMs ?? (isOpen ? nowMs : anomaly.observedAtMs)
  const toggle = (event: Event) => {
    event.stopPropagation()
    onToggle(anomaly)
  }
  return (
    <tr class={`anomaly ${isOpen ? 'open' : ''} ${isOpened ? 'opened' : ''}`} onClick={toggle}>
      <td class="time">{formatTime(anomaly.startedAtMs, nowMs)}</td>
      <td class="series">
        <button type="button" aria-expanded={isOpened} title={anomaly.text} onClick={toggle}>
          <Breakable text={name} />
          <small>{labels}</small>
        </button>
      </td>
      <td class="rank">
        <span class={`severity ${anomaly.severity}`}>{anomaly.severity}</span>
      </td>
      <td class="value numbers">
        <b>{formatValue(anomaly.value, unit)}</b>
        <small>
          {formatValue(anomaly.lower, unit)} to {formatValue(anomaly.upper, unit)}
        </small>
      </td>
      <td class="why">
        <Reasons reasons={anomaly.reasons} />
      </td>
      <td class="lasted numbers">
        {formatDuration(untilMs - anomaly.startedAtMs)}
        {isOpen && <small class="still">still open</small>}
        {isUnusualEnd(anomaly) && <small class="still">{words(anomaly.endReason)}</small>}
      </td>
      <td class="told">
        <Told notifications={anomaly.notifications} />
      </td>
    </tr>
  )
}

function Reasons({ reasons }: { reasons: readonly Reason[] }) {
  return (
    <ul class="reasons">
      {reasons.slice(0, 3).map(({ name, share }) => (
        <li key={name}>
          <svg viewBox="0 0 36 6" width="36" height="6" aria-hidden="true">
            <rect class="all" width="36" height="6" rx="3" />
            <rect width={36 * share} height="6" rx="3" />
          </svg>
          {name} <small>{Math.round(share * 100)} %</small>
        </li>
      ))}
    </ul>
  )
}

/** The best that happened at each receiver: a delivery counts more than what was held back before or after it. */
function Told({ notifications }: { notifications: readonly NotificationView[] }) {
  const byReceiver = new Map<string, NotificationView>()
  for (const notification of notifications) {
    const known = byReceiver.get(notification.receiver)
    if (known?.outcome !== 'delivered' || notification.outcome === 'delivered')
      byReceiver.set(notification.receiver, notification)
  }
  if (byReceiver.size === 0) return <span class="muted">not yet</span>
  return (
    <ul>
      {[...byReceiver].map(([receiver, notification]) => (
        <li key={receiver}>
          <Outcome notification={notification} />
        </li>
      ))}
    </ul>
  )
}

function nameAndLabels({ metric, text, labels }: AnomalyView): { name: string; labels: string } {
  const own = labels.filter(([name]) => name !== '__name__').map(([, value]) => value)
  return metric ? { name: metric, labels: own.join(' · ') } : { name: text, labels: '' }
}
