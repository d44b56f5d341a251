import fc from 'fast-check'
import { expect, test } from 'vitest'
import { alertRecord } from '../testing/alert.ts'
import { longestButtonValue, readButton, verdictButtons } from './slack-buttons.ts'

const idOf = fc.stringMatching(/^[0-9a-f]{32}$/)

test('a button says which episodes it is about, by their partitions', () => {
  const members = ['a', 'b', 'c'].map((id) => alertRecord({ id, entityKey: id === 'b' ? 'y' : 'x' }))
  const [actions] = verdictButtons(members, 'firing', ({ entityKey }) => (entityKey === 'x' ? 3 : 5))
  const [real, falseAlarm] = actions!.elements
  expect(real).toMatchObject({ text: { text: 'It is real' }, value: '3:a,c;5:b' })
  expect(readButton(falseAlarm!.action_id, falseAlarm!.value)).toEqual({
    verdict: 'false_alarm',
    forMs: null,
    places: [
      { partition: 3, episodeIds: ['a', 'c'] },
      { partition: 5, episodeIds: ['b'] },
    ],
  })
})

test('of any incident the value stays within the limit of Slack, and is read as it was written', () => {
  fc.assert(
    fc.property(fc.uniqueArray(idOf, { minLength: 1, maxLength: 120 }), fc.nat(47), (ids, partitions) => {
      const members = ids.map((id) => alertRecord({ id }))
      const [actions] = verdictButtons(members, 'firing', ({ id }) => Number.parseInt(id.slice(0, 4), 16) % (partitions + 1))
      const { action_id, value } = actions!.elements[0]!
      expect(value.length).toBeLessThanOrEqual(longestButtonValue)
      const carried = readButton(action_id, value)!.places.flatMap(({ episodeIds }) => episodeIds)
      expect(carried.length).toBeGreaterThanOrEqual(Math.min(ids.length, 50))
      expect(new Set(carried)).toEqual(new Set(ids.slice(0, carried.length)))
    }),
  )
})

test('an id that a button cannot carry has none, and what is no button of ours is not read', () => {
  expect(verdictButtons([alertRecord({ id: 'a;b' })], 'firing', () => 0)).toEqual([])
  expect(readButton('lapwing/toString', '0:a')).toBeUndefined()
  expect(readButton('toString', '0:a')).toBeUndefined()
  expect(readButton('lapwing/confirmed', 'x')).toBeUndefined()
  expect(readButton('lapwing/confirmed', `0:${'a'.repeat(longestButtonValue)}`)).toBeUndefined()
})
