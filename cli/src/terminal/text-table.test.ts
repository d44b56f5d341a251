import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonLine, textTable, visible } from './text-table.ts'

const anyText = fc.string({ unit: 'binary' })

describe('a table', () => {
  test('aligns as its columns say, without blanks at the end of a line', () => {
    const columns = [
      { heading: 'topic', align: 'left' },
      { heading: 'records', align: 'right' },
      { heading: 'holds', align: 'left' },
    ] as const
    expect(
      textTable(columns, [
        ['a', '12', 'Alert'],
        ['long one', '3'],
      ]),
    ).toBe('topic     records  holds\na              12  Alert\nlong one        3\n')
  })

  test('cuts a cell that is longer than its column takes, and says so', () => {
    const columns = [{ heading: 'x', align: 'left', maxCharacters: 5 }] as const
    expect(textTable(columns, [['12345'], ['123456']])).toBe('x\n12345\n1234…\n')
  })

  test('has one line per row, whatever is in the cells', () => {
    fc.assert(
      fc.property(fc.array(anyText), (cells) => {
        const text = textTable(
          [{ heading: 'x', align: 'left' }],
          cells.map((cell) => [cell]),
        )
        expect(text.split('\n')).toHaveLength(cells.length + 2)
      }),
    )
  })
})

describe('visible text', () => {
  test.each([
    ['a line break', 'a\nb', 'a\\u000ab'],
    ['an escape sequence', '\u001b[2Jx', '\\u001b[2Jx'],
    ['the one-byte form of it', '\u009b2J', '\\u009b2J'],
    ['a reversal of direction', '\u202ecod', '\\u202ecod'],
    ['a line separator', '\u2028', '\\u2028'],
    ['half a surrogate pair', 'a\ud83d', 'a\\ud83d'],
    ['an invisible tag', '\u{e0041}', '\\udb40\\udc41'],
  ])('shows %s', (_name, text, shown) => {
    expect(visible(text)).toBe(shown)
  })

  test('leaves letters, accents, ideographs and emoji as they are', () => {
    expect(visible('Größe 数 🟠')).toBe('Größe 数 🟠')
  })
})

test('a line of JSON reads back as the value', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const line = jsonLine({ text })
      expect(JSON.parse(line)).toEqual({ text })
      expect(line.indexOf('\n')).toBe(line.length - 1)
    }),
  )
})
