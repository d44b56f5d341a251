/** What became of a notification, in words: never the sign or the colour alone. */
import type { AnomalyView, NotificationView } from '../api-model.ts'

export function Outcome({ notification: { receiver, outcome, reason, error } }: { notification: NotificationView }) {
  return (
    <span class={`outcome ${outcome}`} title={error}>
      <i aria-hidden="true">{outcomeSigns[outcome]}</i> {receiver}{' '}
      <small>{outcome === 'delivered' ? 'delivered' : `${outcomeWords[outcome]}: ${words(reason)}`}</small>
    </span>
  )
}

const outcomeSigns = { delivered: '✓', suppressed: '–', dead_lettered: '✕', pending: '…', unknown: '?' } as const
const outcomeWords = {
  delivered: 'delivered',
  suppressed: 'held back',
  dead_lettered: 'failed',
  pending: 'pending',
  unknown: 'unknown',
} as const

/** That a series is normal again goes without saying. */
export function isUnusualEnd({ endReason }: AnomalyView): boolean {
  return endReason !== '' && endReason !== 'normal_again'
}

/** `below_severity` reads `below severity`. */
export function words(identifier: string): string {
  return identifier.replaceAll('_', ' ')
}
