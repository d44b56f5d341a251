import { sortedLabels } from '@lapwing/contracts/series'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { writtenIdentity } from '../testing/written-series.ts'
import { labelTag, SeriesFinder } from './known-series.ts'
import { identify } from './series-samples.ts'

const identifyText = (text: string) => ({ identity: identify(sortedLabels([['__name__', text]]), []), replica: undefined })

/** The text as the only label bytes of a series. */
function find(finder: SeriesFinder, text: string) {
  const bytes = Buffer.from(`before${text}behind`, 'latin1')
  return finder.find(labelTag, bytes, 'before'.length, 'before'.length + text.length)
}

describe('known series', () => {
  test('whatever the order, the bytes decide which series it is', () => {
    // Shorter and longer than the words in which they are compared, and alike but for one byte of any word or behind the last.
    const alike = fc.constantFrom('aaaaaaa baaaaaa aaaabaa aaaaaab aaaÿaaa', 'a b aa ab ba', 'aaaa aaab ÿaaa aaaaa')
    const texts = alike.chain((each) => fc.array(fc.constantFrom(...each.split(' ')), { maxLength: 60 }))
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 4 }), (texts, limit) => {
        const finder = new SeriesFinder(limit, identifyText)
        for (const each of texts)
          expect(writtenIdentity(find(finder, each).identity!)).toEqual(writtenIdentity(identifyText(labelTag + each).identity))
      }),
    )
  })

  test('what is used in every request is identified once, however many others come and go', () => {
    const identified: string[] = []
    const finder = new SeriesFinder(8, (labelBytes) => {
      identified.push(labelBytes)
      return identifyText(labelBytes)
    })
    const first = find(finder, 'kept')
    for (let request = 0; request < 100; request++) {
      for (const passing of [`${request}-x`, `${request}-y`]) find(finder, passing)
      for (const each of ['kept', 'also kept']) find(finder, each)
    }
    expect(find(finder, 'kept')).toBe(first)
    expect(identified.filter((labelBytes) => labelBytes.endsWith('kept'))).toHaveLength(2)
  })

  test('fields that are scattered are not taken for those that follow each other', () => {
    const finder = new SeriesFinder(8, identifyText)
    find(finder, 'a')
    find(finder, 'b')
    find(finder, 'a')
    const scattered = finder.find(`${labelTag}x${labelTag}`, Buffer.from('b'), 0, 1)
    expect(writtenIdentity(scattered.identity!)).toEqual(writtenIdentity(identifyText(`${labelTag}x${labelTag}b`).identity))
  })
})
