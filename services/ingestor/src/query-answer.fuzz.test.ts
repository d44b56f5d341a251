/**
 * A hundred thousand damaged answers, all the way to encoded records: each becomes samples that can be read back, or an error with a
 * code; nothing else is thrown and nothing is kept. LAPWING_SEED repeats a run.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { decode } from '@lapwing/contracts/codec'
import { float64Column } from '@lapwing/contracts/columns'
import { parseAnswer, rememberingLabels } from '@lapwing/prometheus/query-answer'
import { QueryError } from '@lapwing/prometheus/query-errors'
import { sampleRecords } from '@lapwing/prometheus/sample-batches'
import { pushRules } from '@lapwing/prometheus/testing/push-rules'
import { expect, test } from 'vitest'
import { polledSamples } from './poll-samples.ts'

const rounds = 100_000
const growthBytesMax = 50_000_000
const seed = Number(process.env.LAPWING_SEED ?? 20_261_125)

const metric = { __name__: 'http_requests', instance: '10.0.0.1:9100', job: 'shop "a"', path: '/ä\u0000\\' }
const points = [
  [1_764_032_400, '1'],
  [1_764_032_415, '2.5e-7'],
  [1_764_032_430, 'NaN'],
  [1_764_032_445, '+Inf'],
]
const answerOf = (resultType: string, result: unknown, more: object = {}) =>
  JSON.stringify({ status: 'success', data: { resultType, result }, ...more })
const answers = [
  answerOf('matrix', [
    { metric, values: points },
    { metric: {}, values: points.slice(1) },
  ]),
  answerOf('vector', [{ metric, value: points[0] }]),
  answerOf('scalar', points[1]),
  answerOf('matrix', [{ metric, histograms: [[1_764_032_400, { count: '1', sum: '2', buckets: [[0, '1', '2', '1']] }]] }]),
  answerOf('matrix', [], { warnings: ['a store is missing'], infos: ['i'] }),
  '{"status":"error","errorType":"bad_data","error":"parse error"}',
]
const fragments = [
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  'null',
  '1e400',
  '-1',
  '"__proto__":',
  '"NaN"',
  '\\ud800',
  '1764032400',
  'true',
  '9007199254740993',
  '{}',
  '""',
]

test(`${rounds} damaged answers`, () => {
  process.stderr.write(`seed ${seed}\n`)
  const random = randomFrom(seed)
  const readLabels = rememberingLabels(1000)
  const outcomes = new Map<string, number>()
  const naming = {
    seriesName: 'q',
    rules: pushRules,
    longestGapMs: 60_000,
    known: new WeakMap(),
  }
  const before = heldBytes()
  for (let round = 0; round < rounds; round++) {
    const text = damaged(answers[round % answers.length]!, random)
    const outcome = outcomeOf(text, readLabels, naming)
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  const growth = heldBytes() - before
  process.stderr.write(`${JSON.stringify(Object.fromEntries(outcomes))}, ${Math.round(growth / 1000)} kB more held\n`)
  expect(growth).toBeLessThan(growthBytesMax)
  expect([...outcomes.values()].reduce((sum, count) => sum + count, 0)).toBe(rounds)
  // Damage that changes nothing but a digit is an answer still; most of it is not.
  expect(outcomes.get('samples')).toBeGreaterThan(1000)
  expect(outcomes.get('garbled')).toBeGreaterThan(rounds / 2)
}, 120_000)

/** `samples`, or the code of the error. Throws whatever is no QueryError. */
function outcomeOf(
  text: string,
  readLabels: ReturnType<typeof rememberingLabels>,
  naming: Parameters<typeof polledSamples>[2],
): string {
  try {
    const window = { range: { startMs: 1_764_032_400_000, endMs: 1_764_032_445_000, stepMs: 15_000 }, kind: 'live' } as const
    const answer = parseAnswer(text, 'q', readLabels)
    const polled = polledSamples(answer, { ...window, range: { ...window.range, startMs: firstMs(answer) } }, naming)
    for (const { value } of sampleRecords(polled.series, { source: 'q', kind: 'live', stepMs: 15_000 }, 4)) {
      const batch = decode('SampleBatch', value)
      if (!float64Column(batch.values).every(Number.isFinite)) throw new Error(`a value that is no number from ${text}`)
    }
    return 'samples'
  } catch (error) {
    if (error instanceof QueryError) return error.code
    throw new Error(`${String(error)} from ${text}`, { cause: error })
  }
}

/** The client refuses points outside of the range that was asked for; here the range is what came. */
function firstMs(answer: readonly { readonly timestampsMs: readonly number[] }[]): number {
  return answer.reduce((first, { timestampsMs }) => Math.min(first, timestampsMs[0] ?? first), 1_764_032_400_000)
}

/** One to four cuts, repeats, changed characters or foreign pieces. */
function damaged(text: string, random: () => number): string {
  let broken = text
  for (let left = 1 + Math.floor(random() * 4); left > 0; left--) {
    const at = Math.floor(random() * broken.length)
    const length = Math.floor(random() * 12)
    const kind = Math.floor(random() * 5)
    const piece =
      kind === 0
        ? ''
        : kind === 1
          ? broken.slice(at, at + length).repeat(2)
          : kind === 2
            ? String.fromCharCode(Math.floor(random() * 256))
            : kind === 3
              ? String(Math.floor(random() * 10))
              : fragments[Math.floor(random() * fragments.length)]!
    broken = broken.slice(0, at) + piece + broken.slice(at + (kind >= 2 ? 1 : length))
  }
  return broken
}

/** mulberry32. */
function randomFrom(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function heldBytes(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
