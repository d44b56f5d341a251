import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { errorText, parseAnswer } from './query-answer.ts'
import { QueryError, type QueryErrorCode } from './query-errors.ts'

const success = (resultType: string, result: unknown, more: object = {}) =>
  JSON.stringify({ status: 'success', data: { resultType, result }, ...more })
const matrix = (values: unknown, metric: object = { __name__: 'up' }) => success('matrix', [{ metric, values }])
const codeOf = (text: string): QueryErrorCode => {
  try {
    parseAnswer(text, 'up')
  } catch (error) {
    if (error instanceof QueryError) return error.code
    throw error
  }
  throw new Error('the answer was accepted')
}

describe('answers of the query API', () => {
  test('a matrix becomes series with timestamps in milliseconds', () => {
    expect(
      parseAnswer(
        matrix([
          [1.5, '2'],
          [3, '-1e3'],
        ]),
        'up',
      ),
    ).toEqual([{ labels: [{ name: '__name__', value: 'up' }], timestampsMs: [1500, 3000], values: [2, -1000] }])
  })

  test('NaN and infinities come out as such', () => {
    expect(
      parseAnswer(
        matrix([
          [1, 'NaN'],
          [2, '+Inf'],
          [3, '-Inf'],
        ]),
        'up',
      )[0]!.values,
    ).toEqual([Number.NaN, Infinity, -Infinity])
  })

  test('a vector and a scalar are series of one point', () => {
    expect(parseAnswer(success('vector', [{ metric: { a: 'b' }, value: [1, '2'] }]), 'up')).toEqual([
      { labels: [{ name: 'a', value: 'b' }], timestampsMs: [1000], values: [2] },
    ])
    expect(parseAnswer(success('scalar', [1, '2']), '2')).toEqual([{ labels: [], timestampsMs: [1000], values: [2] }])
  })

  test('warnings are not success, infos are', () => {
    expect(codeOf(success('matrix', [], { warnings: ['a store is missing'] }))).toBe('partial')
    const remark = 'PromQL warning: quantile value should be between 0 and 1, got 2'
    expect(parseAnswer(success('matrix', [], { warnings: [remark] }), 'q')).toEqual([])
    expect(codeOf(success('matrix', [], { warnings: [remark, 'a store is missing'] }))).toBe('partial')
    expect(parseAnswer(success('matrix', [], { infos: ['metric might not be a counter'] }), 'up')).toEqual([])
  })

  test('native histograms are named as what cannot be scored', () => {
    expect(codeOf(success('matrix', [{ metric: {}, histograms: [[1, {}]] }]))).toBe('not_numeric')
  })

  test('labels that would be special in a map stay labels', () => {
    const text = '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__proto__":"x"},"values":[[1,"2"]]}]}}'
    expect(parseAnswer(text, 'up')[0]!.labels).toEqual([{ name: '__proto__', value: 'x' }])
  })

  test.each([
    ['nothing', ''],
    ['a page', '<html>'],
    ['half an answer', matrix([[1, '2']]).slice(0, -9)],
    ['an error', '{"status":"error"}'],
    ['a string result', success('string', [1, 'x'])],
    ['a value that is no text', matrix([[1, 2]])],
    ['an empty value', matrix([[1, '']])],
    ['a value that is no number', matrix([[1, 'many']])],
    ['a number too large to be one', matrix([[1, '1e999']])],
    ['a point that is no pair', matrix(['x'])],
    ['a timestamp in text', matrix([['1', '2']])],
    [
      'timestamps that fall',
      matrix([
        [2, '1'],
        [1, '1'],
      ]),
    ],
    [
      'a timestamp twice',
      matrix([
        [1, '1'],
        [1, '1'],
      ]),
    ],
    ['a timestamp beyond all dates', matrix([[1e16, '1']])],
    ['a label that is no text', matrix([[1, '2']], { a: 1 })],
    ['a series without labels', success('matrix', [{ values: [[1, '2']] }])],
    ['no series', success('matrix', [null])],
    ['no vector', success('vector', [null])],
    ['no value in a vector', success('vector', [{ metric: {} }])],
  ])('%s is garbled', (_, text) => {
    expect(codeOf(text)).toBe('garbled')
  })

  test('any JSON in any place is refused with a code or gives sound series', () => {
    const point = fc.oneof(fc.tuple(fc.integer(), fc.constantFrom('1', 'NaN', '+Inf')), fc.jsonValue())
    const series = fc.record({
      metric: fc.oneof(fc.dictionary(fc.string(), fc.string()), fc.jsonValue()),
      values: fc.array(point),
    })
    fc.assert(
      fc.property(fc.array(fc.oneof(series, fc.jsonValue())), fc.constantFrom('matrix', 'vector', 'scalar'), (result, type) => {
        try {
          for (const { timestampsMs, values } of parseAnswer(success(type, result), 'up')) {
            expect(timestampsMs).toHaveLength(values.length)
            expect(timestampsMs.every((timestampMs, i) => i === 0 || timestampMs > timestampsMs[i - 1]!)).toBe(true)
          }
        } catch (error) {
          expect(error).toBeInstanceOf(QueryError)
        }
      }),
    )
  })
})

describe('the text of a failure', () => {
  test("is Prometheus' own where there is one", () => {
    expect(errorText('{"status":"error","errorType":"bad_data","error":"unexpected end of input"}')).toBe(
      'unexpected end of input',
    )
    expect(errorText(' bad gateway\n')).toBe('bad gateway')
  })
})
