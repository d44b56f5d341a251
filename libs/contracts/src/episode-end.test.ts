import { expect, test } from 'vitest'
import { endText, episodeEnd } from './episode-end.ts'

test.each([
  ['open', '', 9, '', ''],
  ['open', '', Number.NaN, '', ''],
  ['resolved', '', 2, 'normal_again', 'the series was normal again'],
  ['resolved', '', Number.NaN, 'series_gone', 'the series went away'],
  ['resolved', 'began_anew', Number.NaN, 'began_anew', expect.stringMatching(/^its detector began anew/)],
  ['resolved', 'of_a_later_release', 1, 'of_a_later_release', 'of a later release'],
] as const)('%s, endReason "%s", value %d: %s', (state, endReason, value, end, text) => {
  expect(episodeEnd({ state, endReason, value })).toBe(end)
  expect(endText(end)).toEqual(text)
})
