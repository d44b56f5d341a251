import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOf, ColumnError } from './columns.ts'
import { entityKey, partitionOf, seriesKey, seriesText, sortedLabels } from './series.ts'
import { buildSeriesTable, entityText, keyText, labelReader, labelText, seriesCount, seriesIdentity } from './series-table.ts'

const labelSet = fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 8 }).map(sortedLabels)
const identify = (labels: ReturnType<typeof sortedLabels>) => seriesIdentity(labels, ['instance'])

describe('series table', () => {
  test('labels of any text come back, series by series', () => {
    fc.assert(
      fc.property(fc.array(labelSet, { maxLength: 6 }), (sets) => {
        const table = buildSeriesTable(sets.map(identify))
        const read = labelReader(table)
        expect(seriesCount(table)).toBe(sets.length)
        expect(sets.map((_, i) => read(i))).toEqual(sets)
        expect(sets.map((_, i) => keyText(table, i))).toEqual(sets.map((labels) => seriesKey(labels).toString('hex')))
        const entities = sets.map((labels) => entityKey(labels, ['instance']).toString('hex'))
        expect(sets.map((_, i) => entityText(table, i))).toEqual(entities)
      }),
    )
  })

  test('a text that series share stands in each table once', () => {
    const shared = new Map<string, ReturnType<typeof labelText>>()
    const intern = (text: string) => {
      const found = shared.get(text) ?? labelText(text)
      shared.set(text, found)
      return found
    }
    const sets = ['a', 'b', 'c'].map((instance) =>
      sortedLabels([
        ['instance', instance],
        ['job', 'shop'.repeat(20)],
      ]),
    )
    const series = sets.map((labels) => seriesIdentity(labels, [], intern))
    for (const some of [series, series.slice(1)]) {
      const table = buildSeriesTable(some)
      expect(table.symbols.toString().split('shop'.repeat(20))).toHaveLength(2)
      expect(some.map((_, i) => labelReader(table)(i))).toEqual(some.map(({ labels }) => labels))
    }
  })

  test('a table that points outside itself is refused', () => {
    const table = buildSeriesTable([identify(sortedLabels([['a', 'b']]))])
    expect(() => labelReader({ ...table, symbols: Buffer.alloc(1) })(0)).toThrow(ColumnError)
    expect(() => labelReader({ ...table, labelSymbols: bytesOf(Uint32Array.of(0, 9)) })(0)).toThrow(ColumnError)
    expect(() => labelReader({ ...table, labelStarts: bytesOf(Uint32Array.of(0, 0xffffffff)) })(0)).toThrow(ColumnError)
    expect(() => labelReader({ ...table, labelStarts: Buffer.alloc(3) })).toThrow(ColumnError)
    expect(() => entityText({ ...table, entities: Buffer.alloc(15) }, 0)).toThrow(ColumnError)
    expect(() => keyText(table, 1)).toThrow(ColumnError)
  })

  test('entity of a table is that of its labels', () => {
    const labels = sortedLabels([
      ['instance', 'host-1'],
      ['__name__', 'up'],
    ])
    expect(entityText(buildSeriesTable([identify(labels)]), 0)).toBe(entityKey(labels, ['instance']).toString('hex'))
  })
})

describe('series identity', () => {
  test('the order in which labels are given does not matter', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(fc.string(), fc.string()), { selector: ([name]) => name }), (pairs) => {
        expect(seriesKey(sortedLabels([...pairs].reverse()))).toEqual(seriesKey(sortedLabels(pairs)))
      }),
    )
  })

  test('no choice of texts makes two label sets alike', () => {
    expect(seriesKey(sortedLabels([['a', 'bc']]))).not.toEqual(seriesKey(sortedLabels([['ab', 'c']])))
    expect(
      seriesKey(
        sortedLabels([
          ['a', '1'],
          ['__proto__', 'x'],
        ]),
      ),
    ).not.toEqual(seriesKey(sortedLabels([['a', '1']])))
  })

  test('series of one instance share a partition', () => {
    const one = entityKey(
      sortedLabels([
        ['__name__', 'up'],
        ['instance', 'i'],
      ]),
      ['instance'],
    )
    const other = entityKey(
      sortedLabels([
        ['__name__', 'load'],
        ['instance', 'i'],
        ['job', 'j'],
      ]),
      ['instance'],
    )
    expect(partitionOf(one, 48)).toBe(partitionOf(other, 48))
  })

  test('is written as Prometheus writes it', () => {
    expect(
      seriesText(
        sortedLabels([
          ['__name__', 'up'],
          ['job', 'a"b'],
        ]),
      ),
    ).toBe('up{job="a\\"b"}')
    expect(seriesText(sortedLabels([['job', 'a']]))).toBe('{job="a"}')
    expect(seriesText(sortedLabels([['__name__', 'up']]))).toBe('up')
  })
})
