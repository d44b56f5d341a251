/** Mutes that people give with a button: as a record on the log, and as the mute that it stands for. Pure. */
import type { Alert, Mute as MuteRecord } from '@lapwing/contracts/records'
import { identityLabels } from './alertmanager-alert.ts'
import { createMatcher, type Matcher } from './matcher.ts'
import { checkMute, type Mute } from './mute.ts'
import { ReadableError } from './readable-error.ts'

/** Conditions that hold for the alerts of this series, whatever their severity. */
export function seriesMatchers(series: Pick<Alert, 'metric' | 'labels'>): MuteRecord['matchers'] {
  const { alertname: _, severity: __, ...labels } = identityLabels(series, 'info')
  return Object.entries(labels).map(([label, value]) => ({ label, operator: '=', value }))
}

/** The mute of a record; undefined when it was taken back. Throws ReadableError when it is none that people may give. */
export function recordedMute({ id, matchers, startsAtMs, endsAtMs, author, comment, liftedAtMs }: MuteRecord): Mute | undefined {
  if (liftedAtMs !== null) return undefined
  const mute: Mute = {
    id,
    matchers: matchers.map(toMatcher),
    startsAtMs,
    endsAtMs,
    intervals: [],
    windows: null,
    author,
    comment,
  }
  checkMute(mute)
  return mute
}

function toMatcher({ label, operator, value }: MuteRecord['matchers'][number]): Matcher {
  const known = operators.find((one) => one === operator)
  if (!known) throw new ReadableError(`expected one of ${operators.join(' ')}, found ${operator}`)
  return createMatcher(label, known, value)
}

const operators = ['=', '!=', '=~', '!~'] as const
