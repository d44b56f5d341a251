import { readdirSync, readFileSync } from 'node:fs'
import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DecodeError, decode, decodeAny, encode, maxRecordBytes } from './codec.ts'
import type { Anomaly } from './records.ts'
import { recordsSource } from './records-source.ts'
import { currentVersion, type RecordName, readSchema, recordSchemas } from './schemas.ts'

const names = Object.keys(recordSchemas) as RecordName[]
const golden = new URL('../test/golden/', import.meta.url)

const goldenFiles = readdirSync(golden).filter((file) => file.endsWith('.bin'))
const expectedOf = (file: string) => JSON.parse(readFileSync(new URL(file.replace('.bin', '.json'), golden), 'utf8'))

/** What a field holds that the release of the golden bytes did not know. */
function defaultsOf(name: RecordName): Record<string, unknown> {
  const { fields } = readSchema(currentVersion(name).file) as unknown as { fields: { name: string; default?: unknown }[] }
  return Object.fromEntries(fields.map((field) => [field.name, field.default]))
}

const anomaly: Anomaly = {
  id: 'a1',
  episodeId: 'e1',
  state: 'open',
  severity: 'warning',
  seriesKey: '00112233445566778899aabbccddeeff',
  entityKey: 'ffeeddccbbaa99887766554433221100',
  metric: 'node_load1',
  labels: [
    { name: '__name__', value: 'node_load1' },
    { name: '__proto__', value: 'kept' },
  ],
  source: 'q1',
  model: 'online/1',
  startedAtMs: 1_700_000_000_000,
  observedAtMs: 1_700_000_015_000,
  endedAtMs: null,
  value: 9.5,
  expected: 1.2,
  lower: 0.4,
  upper: 2.1,
  score: 3.1,
  peakScore: 3.1,
  confidence: 0.9,
  reasons: [{ name: 'level', share: 1 }],
  suppressedBy: '',
  signature: null,
  endReason: '',
}

describe('codec', () => {
  test('a record comes back as it went in, hostile label names included', () => {
    expect(decode('Anomaly', encode('Anomaly', anomaly))).toEqual(anomaly)
  })

  test('a record that has nothing of what is new is written as readers of the release before know it', () => {
    const idOf = (bytes: Buffer) => bytes.readInt32BE(1)
    const ended: Anomaly = { ...anomaly, state: 'resolved', endReason: 'began_anew' }
    expect([idOf(encode('Anomaly', anomaly)), idOf(encode('Anomaly', ended))]).toEqual([302, 303])
    expect(decode('Anomaly', encode('Anomaly', ended))).toEqual(ended)
    const settings = { service: 'ingestor', instance: 'a/1', version: '1', startedAtMs: 1, atMs: 2, yaml: '', troubles: [] }
    const trouble = { subject: 'query-1', text: 'up', reason: 'timeout', message: 'late', sinceMs: 1, atMs: 2 }
    expect(idOf(encode('ServiceSettings', settings))).toBe(1401)
    expect(idOf(encode('ServiceSettings', { ...settings, troubles: [trouble] }))).toBe(1402)
  })

  test('a record larger than the scratch space comes back whole', () => {
    const reasons = Array.from({ length: 20_000 }, (_, i) => ({ name: `reason-${i}`, share: 0 }))
    expect(decode('Anomaly', encode('Anomaly', { ...anomaly, reasons })).reasons).toHaveLength(20_000)
  })

  test('bytes of a decoded record are a view of what was decoded (patches/avsc@5.7.9.patch)', () => {
    const bytes = encode('StateSnapshot', {
      version: 1,
      configHash: 'h',
      sourceOffset: 1,
      snapshot: Buffer.alloc(9000, 7),
      crc32: 0,
    })
    const { snapshot } = decode('StateSnapshot', bytes)
    expect(snapshot.equals(Buffer.alloc(9000, 7))).toBe(true)
    expect(snapshot.buffer).toBe(bytes.buffer)
  })

  test('a record of another kind is refused by name', () => {
    expect(() => decode('Control', encode('Anomaly', anomaly))).toThrow('expected Control, found Anomaly')
  })

  test('bytes without the header, with an unknown id, cut short or too long are refused with a bounded reason', () => {
    const reasonOf = (bytes: Uint8Array) => {
      try {
        decodeAny(bytes)
      } catch (error) {
        return (error as DecodeError).reason
      }
      return 'decoded'
    }
    const good = encode('Anomaly', anomaly)
    expect(reasonOf(Buffer.from('{}'))).toBe('not_framed')
    expect(reasonOf(Buffer.from([0, 0, 0, 0, 1, 2]))).toBe('unknown_schema')
    expect(reasonOf(good.subarray(0, good.length - 3))).toBe('malformed')
    expect(reasonOf(Buffer.concat([good, Buffer.from([1])]))).toBe('malformed')
    expect(reasonOf({ length: maxRecordBytes + 1 } as Uint8Array)).toBe('too_large')
  })

  test('no bytes make it throw anything but a DecodeError', () => {
    const header = Buffer.from(encode('Anomaly', anomaly).subarray(0, 5))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        try {
          decodeAny(Buffer.concat([header, body]))
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
        }
      }),
    )
  })

  test.each(goldenFiles)('a count of elements that are not there is refused before anything is made of them: %s', (file) => {
    const good = readFileSync(new URL(file, golden))
    /** 2^28 as a count, which stands for more elements than fit into a process. */
    const huge = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x02])
    const before = process.memoryUsage().heapUsed
    for (let at = 5; at < good.length; at++) {
      try {
        decodeAny(Buffer.concat([good.subarray(0, at), huge, good.subarray(at + 1)]))
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError)
      }
    }
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024)
  })

  test.each(goldenFiles)('bytes written by an earlier release still decode: %s', (file) => {
    const { name, record } = decodeAny(readFileSync(new URL(file, golden)))
    expect(name).toBe(file.split('.')[0])
    expect(JSON.parse(JSON.stringify(record))).toEqual({ ...defaultsOf(name), ...expectedOf(file).record })
  })
})

describe('schemas', () => {
  test('the TypeScript types are the ones the schemas give', () => {
    expect(readFileSync(new URL('./records.ts', import.meta.url), 'utf8')).toBe(recordsSource())
  })

  test.each(names)('%s: every layout has golden bytes and is as it was when they were written', (name) => {
    for (const { id, file } of recordSchemas[name].versions) {
      const fingerprint = avro.Type.forSchema(readSchema(file)).fingerprint('sha256').toString('hex')
      expect(goldenFiles).toContain(`${name}.${id}.bin`)
      expect(fingerprint).toBe(expectedOf(`${name}.${id}.bin`).fingerprint)
    }
  })

  test('ids are unique', () => {
    const ids = names.flatMap((name) => recordSchemas[name].versions.map(({ id }) => id))
    expect(new Set(ids).size).toBe(ids.length)
  })

  test.each(names)('%s: every field says what it means and has a default, so that layouts can change', (name) => {
    const { fields } = readSchema(currentVersion(name).file) as unknown as {
      fields: { name: string; doc?: string; default?: unknown }[]
    }
    expect(fields.filter((field) => !field.doc || field.default === undefined).map((field) => field.name)).toEqual([])
  })

  test.each(names)('%s: every element of an array takes a byte at least, and there are no maps', (name) => {
    for (const { file } of recordSchemas[name].versions) {
      const kinds = [
        ...JSON.stringify(readSchema(file)).matchAll(/"type":"array","items":("\w+"|\{"type":"\w+")|"type":"(map)"/g),
      ]
      for (const [, items = '', map] of kinds) {
        expect(map).toBeUndefined()
        expect(items).not.toMatch(/null/)
      }
    }
  })

  test.each(names)('%s: every layout reads every older one, and the public ones every newer', (name) => {
    const { versions, compatibility } = recordSchemas[name]
    const types = versions.map(({ file }) => avro.Type.forSchema(readSchema(file)))
    types.forEach((writer, older) => {
      for (const reader of types.slice(older)) {
        expect(() => reader.createResolver(writer)).not.toThrow()
        if (compatibility === 'FULL_TRANSITIVE') expect(() => writer.createResolver(reader)).not.toThrow()
      }
    })
  })
})
