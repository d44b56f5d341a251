import { sortedLabels } from '@lapwing/contracts/series'
import { sampleFlags } from '@lapwing/contracts/series-state'
import fc from 'fast-check'
import { PbfWriter } from 'pbf'
import { compressSync, uncompressSync } from 'snappy'
import { describe, expect, test } from 'vitest'
import { pushRules } from '../testing/push-rules.ts'
import { writtenIdentity, writtenSeries } from '../testing/written-series.ts'
import { createWriteDecoder, type WriteDecoder } from './remote-write-decoder.ts'
import { encodeWrite, type WriteSeries } from './remote-write-encoder.ts'
import { WriteError, type WriteErrorCode } from './remote-write-errors.ts'

const decode = (body: Uint8Array) => received(createWriteDecoder(pushRules), body)
const received = (decoder: WriteDecoder, body: Uint8Array) => {
  const decoded = decoder.decode(body, '1.0')
  return { ...decoded, series: writtenSeries(decoded) }
}
const labelsOf = (name: string) =>
  sortedLabels([
    ['__name__', name],
    ['instance', 'host-1:9100'],
  ])
const oneSample = (value: number, timestampMs = 1_700_000_000_000, flag = 0): WriteSeries => ({
  labels: labelsOf('up'),
  timestampsMs: [timestampMs],
  values: [value],
  flags: [flag],
})
const refusal = (body: Uint8Array): WriteErrorCode => {
  try {
    decode(body)
  } catch (error) {
    if (error instanceof WriteError) return error.code
    throw error
  }
  throw new Error('the body was accepted')
}

describe('remote write', () => {
  test('what was sent is what is received', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 })
    const labels = fc
      .array(fc.tuple(text, text), { maxLength: 6 })
      .map((pairs) => sortedLabels([...pairs, ['__name__', 'metric']]))
    const times = fc.uniqueArray(fc.integer({ min: -8.64e15, max: 8.64e15 }), { minLength: 1, maxLength: 8 })
    const series = fc
      .tuple(labels, times, fc.double({ noNaN: true, noDefaultInfinity: true }))
      .map(([labels, timestampsMs, value]) => ({
        labels,
        timestampsMs: timestampsMs.sort((a, b) => a - b),
        values: timestampsMs.map((_, i) => value + i),
        flags: timestampsMs.map(() => 0),
      }))
    const sets = fc.uniqueArray(series, { selector: (one) => JSON.stringify(one.labels), maxLength: 5 })
    fc.assert(
      fc.property(sets, (sent) => {
        const found = decode(encodeWrite(sent))
        expect(found.series.map(({ series, ...samples }) => ({ labels: series.labels, ...samples }))).toEqual(sent)
        expect(found.firstProblem).toBeUndefined()
      }),
    )
  })

  test('a staleness marker becomes a flag, never a value', () => {
    const [series] = decode(encodeWrite([oneSample(17, 1000, sampleFlags.stale)])).series
    expect(series).toMatchObject({ timestampsMs: [1000], values: [0], flags: [sampleFlags.stale] })
  })

  test('other NaNs and infinities are counted and dropped', () => {
    const found = decode(
      encodeWrite([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((value) => oneSample(value))),
    )
    expect(found.left.not_finite).toBe(3)
    expect(found.left.invalid).toBe(0)
    expect(found.series.flatMap((one) => one.values)).toEqual([])
  })

  test('a series that is spread over the request is put together, in order and without repeats', () => {
    const found = decode(encodeWrite([oneSample(3, 3000), oneSample(1, 1000), oneSample(99, 3000), oneSample(2, 2000)]))
    expect(found.series).toHaveLength(1)
    expect(found.series[0]).toMatchObject({ timestampsMs: [1000, 2000, 3000], values: [1, 2, 3], flags: [0, 0, 0] })
  })

  test('a known series gives the identical identity, also when other fields stand between its labels', () => {
    const decoder = createWriteDecoder(pushRules)
    const [first] = decoder.decode(encodeWrite([oneSample(1)]), '1.0').series
    const [second] = decoder.decode(encodeWrite([oneSample(2)]), '1.0').series
    const [scattered] = decoder.decode(scatteredLabels(), '1.0').series
    expect(second).toBe(first)
    expect(writtenIdentity(scattered!)).toEqual(writtenIdentity(first!))
  })

  test('labels against the specification cost that series, not its neighbours', () => {
    const nameless = { ...oneSample(1), labels: sortedLabels([['instance', 'a']]) }
    const twice = { ...oneSample(1), labels: [...labelsOf('up'), { name: 'instance', value: 'b' }] }
    const unnamed = { ...oneSample(1), labels: [{ name: '', value: 'x' }, ...labelsOf('up')] }
    const endless = { ...oneSample(1), labels: sortedLabels([['__name__', 'x'.repeat(70_000)]]) }
    const problems = [nameless, twice, unnamed, endless].map((bad) => decode(encodeWrite([bad, oneSample(5)])))
    expect(problems.map((found) => found.firstProblem)).toEqual([
      'a series without a metric name',
      'label instance twice',
      'a label without a name',
      expect.stringContaining('at most 65536'),
    ])
    for (const found of problems) {
      expect(found.left.invalid).toBe(1)
      expect(found.series.map((one) => one.values)).toEqual([[5]])
    }
  })

  test('more labels than are taken cost that series, and are counted apart', () => {
    const many = sortedLabels(Array.from({ length: 21 }, (_, i) => [i === 0 ? '__name__' : `label_${i}`, 'x'] as const))
    const found = decode(encodeWrite([{ ...oneSample(1), labels: many }, oneSample(5)]))
    expect(found).toMatchObject({
      left: { label_limit: 1, invalid: 0 },
      firstProblem: '21 labels, at most 20 (label_limit)',
    })
    expect(found.series.map((one) => one.values)).toEqual([[5]])
  })

  test('a label without a value is no label', () => {
    const [series] = decode(encodeWrite([{ ...oneSample(1), labels: [...labelsOf('up'), { name: 'zone', value: '' }] }])).series
    expect(series!.series.labels).toEqual(labelsOf('up'))
  })

  test('labels that would be special in a map are labels', () => {
    const labels = sortedLabels([
      ['__name__', 'up'],
      ['__proto__', 'polluted'],
    ])
    const [series] = decode(encodeWrite([{ ...oneSample(1), labels }])).series
    expect(series!.series.labels).toEqual(labels)
  })

  test('histograms are counted and their series goes on', () => {
    const found = decode(withField(4))
    expect(found.histograms).toBe(1)
    expect(found.series).toEqual([])
  })

  test('unknown fields are skipped', () => {
    expect(decode(withField(15)).firstProblem).toBeUndefined()
  })
})

describe('hostile bodies', () => {
  test('a declared length beyond the limit is refused before it is allocated', () => {
    const bomb = Buffer.alloc(47)
    bomb.set([0xff, 0xff, 0xff, 0xff, 0x0f])
    const before = process.memoryUsage().arrayBuffers
    expect(refusal(bomb)).toBe('too_large')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024)
  })

  test('a declared length that snappy cannot reach is refused, however small', () => {
    const liar = Buffer.alloc(47)
    liar.set([0x80, 0x80, 0x80, 0x0f])
    expect(refusal(liar)).toBe('not_snappy')
  })

  test('the densest honest block is accepted', () => {
    expect(refusal(compressSync(Buffer.alloc(30 * 1024 * 1024)))).toBe('malformed')
  })

  test('nothing, and something else than snappy, is not snappy', () => {
    expect(refusal(new Uint8Array())).toBe('not_snappy')
    expect(refusal(Buffer.from('{"json": true}'))).toBe('not_snappy')
  })

  test('a request cut anywhere is malformed or says less, and never crashes', () => {
    const whole = uncompressSync(encodeWrite([oneSample(1), oneSample(2, 5)])) as Buffer
    for (let length = 0; length < whole.length; length++) {
      const outcome = outcomeOf(compressSync(whole.subarray(0, length)))
      expect(['malformed', 'accepted']).toContain(outcome)
    }
    expect(outcomeOf(compressSync(whole.subarray(0, whole.length - 1)))).toBe('malformed')
  })

  test('mutated requests are refused with a code or decode to finite values', () => {
    const body = uncompressSync(
      encodeWrite([oneSample(1), oneSample(2, 5), { ...oneSample(3), labels: labelsOf('node_load1') }]),
    ) as Buffer
    const mutations = fc.array(fc.tuple(fc.nat({ max: body.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(mutations, (changes) => {
        const mutated = Buffer.from(body)
        for (const [at, byte] of changes) mutated[at] = byte
        expect(['malformed', 'accepted']).toContain(outcomeOf(compressSync(mutated)))
      }),
      { numRuns: 5000 },
    )
  })
})

/** `accepted`, once everything that came out of the body was found sound. */
function outcomeOf(body: Uint8Array): WriteErrorCode | 'accepted' {
  try {
    for (const { values, timestampsMs } of decode(body).series) {
      if (!values.every(Number.isFinite)) throw new Error('a value that is not finite')
      if (!timestampsMs.every((timestampMs, i) => i === 0 || timestampMs > timestampsMs[i - 1]!)) throw new Error('not rising')
    }
    return 'accepted'
  } catch (error) {
    if (error instanceof WriteError) return error.code
    throw error
  }
}

/** The labels of `oneSample` with a sample between them, which the encoder never writes and the format allows. */
function scatteredLabels(): Buffer {
  const [name, instance] = labelsOf('up')
  const writer = new PbfWriter()
  writer.writeMessage(
    1,
    (_, series) => {
      series.writeMessage(1, writeText, name!)
      series.writeMessage(2, (_, sample) => sample.writeDoubleField(1, 4), undefined)
      series.writeMessage(1, writeText, instance!)
    },
    undefined,
  )
  return compressSync(writer.finish())
}

/** A series with the labels of `oneSample` and one more field. */
function withField(tag: number): Buffer {
  const writer = new PbfWriter()
  writer.writeMessage(
    1,
    (_, series) => {
      for (const label of labelsOf('up')) series.writeMessage(1, writeText, label)
      series.writeMessage(tag, (_, field) => field.writeDoubleField(2, 4), undefined)
    },
    undefined,
  )
  return compressSync(writer.finish())
}

function writeText({ name, value }: { name: string; value: string }, writer: PbfWriter): void {
  writer.writeStringField(1, name)
  writer.writeStringField(2, value)
}
