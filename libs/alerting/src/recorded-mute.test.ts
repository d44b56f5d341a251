import { expect, test } from 'vitest'
import { muteFor } from './mute.ts'
import { recordedMute, seriesMatchers } from './recorded-mute.ts'

const series = {
  metric: 'queue "length"',
  labels: [
    { name: '__name__', value: 'queue "length"' },
    { name: 'instance', value: 'a\\b\t\n' },
    { name: 'severity', value: 'of its own' },
  ],
}
const record = {
  ...{ id: 'm', startsAtMs: 1000, endsAtMs: 5000, author: 'ann', comment: 'move', origin: 'page', atMs: 1000 },
  ...{ liftedBy: '', liftedAtMs: null, matchers: seriesMatchers(series) },
}

test('a mute of a series holds for it at any severity, hostile labels included, and for no other', () => {
  const mute = recordedMute(record)!
  const labels = { alertname: 'LapwingAnomaly', metric: 'queue "length"', instance: 'a\\b\t\n', exported_severity: 'of its own' }
  for (const severity of ['info', 'critical']) expect(muteFor([mute], { ...labels, severity }, 1000)).toBeDefined()
  expect(muteFor([mute], { ...labels, instance: 'other' }, 1000)).toBeUndefined()
  expect(muteFor([mute], labels, 5000)).toBeUndefined()
})

test('one that was taken back is none', () => {
  expect(recordedMute({ ...record, liftedBy: 'bob', liftedAtMs: 2000 })).toBeUndefined()
})

test.each([
  ['without a condition', { matchers: [] }, /match everything/],
  ['with an operator that there is not', { matchers: [{ label: 'a', operator: '~', value: 'b' }] }, /found ~/],
  ['that lasts for ever', { endsAtMs: 1e14 }, /366 days/],
])('one %s is refused', (_, about, message) => {
  expect(() => recordedMute({ ...record, ...about })).toThrow(message)
})
