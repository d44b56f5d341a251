import { sortedLabels } from '@lapwing/contracts/series'
import { expect, test } from 'vitest'
import { mostNames, SeriesNames } from './series-names.ts'

test('names are remembered, and no more of them than there is room for, however many pods come and go', () => {
  const names = new SeriesNames()
  let asked = 0
  const nameOf = (pod: number) =>
    names.nameOf(String(pod), () => {
      asked++
      return sortedLabels([['pod', String(pod)]])
    })
  let most = 0
  for (let pod = 0; pod < 2.5 * mostNames; pod++) {
    nameOf(pod)
    most = Math.max(most, names.size)
  }
  expect(most).toBe(mostNames)
  asked = 0
  for (let pod = 2 * mostNames; pod < 2.5 * mostNames; pod++) nameOf(pod)
  expect(asked).toBe(0)
  expect(nameOf(0)).toBe('{pod="0"}')
})
