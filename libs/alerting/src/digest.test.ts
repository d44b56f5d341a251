import type { Alert } from '@lapwing/contracts/records'
import { describe, expect, test } from 'vitest'
import { alertRecord } from '../testing/alert.ts'
import { digestDueAtMs, emptyDigest, leftOutCount, namedAlerts, withLeftOut } from './digest.ts'
import type { Settlement } from './reconcile.ts'
import { accept } from './tracked-alert.ts'

const settlement = (differences: Partial<Alert>, reason: string, outcome: Settlement['outcome'] = 'suppressed'): Settlement => {
  const alert = alertRecord(differences)
  return { alert, record: accept(alert, { offset: 0, writtenAtMs: 0 }, undefined).records[0]!, outcome, reason }
}
const digestOf = (...settlements: Settlement[]) => withLeftOut(emptyDigest(0), settlements, () => undefined)

describe('a digest', () => {
  test('counts what was held and ended, by reason, and nothing else', () => {
    const digest = digestOf(
      settlement({ id: 'a' }, 'muted'),
      settlement({ id: 'a', state: 'resolved' }, 'muted'),
      settlement({ id: 'b' }, 'over_budget'),
      settlement({ id: 'c' }, 'over_budget'),
      settlement({ id: 'd' }, 'grouped'),
      settlement({ id: 'e' }, 'new', 'delivered'),
    )
    expect(digest.counts).toEqual({ muted: 1, over_budget: 2 })
    expect(leftOutCount(digest)).toBe(3)
  })

  test('names the worst: by severity, then by score', () => {
    const many = Array.from({ length: 30 }, (_, i) => settlement({ id: `w${i}`, score: i }, 'flapping'))
    const digest = digestOf(...many, settlement({ id: 'critical', severity: 'critical' }, 'muted'))
    expect(digest.worst).toHaveLength(namedAlerts)
    expect(digest.worst.slice(0, 3).map(({ alertId }) => alertId)).toEqual(['critical', 'w29', 'w28'])
    expect(digest.worst[0]).toMatchObject({ metric: 'node_load1', where: 'instance=node-1:9100', reason: 'muted' })
  })

  test('is due when its time is over and there is something in it', () => {
    expect(digestDueAtMs(emptyDigest(5), 100)).toBe(Infinity)
    const full = digestOf(settlement({}, 'muted'))
    expect(digestDueAtMs({ ...full, sinceMs: 5 }, 100)).toBe(105)
    expect(digestDueAtMs(full, 0)).toBe(Infinity)
  })
})
