import { readFileSync } from 'node:fs'
import { decode, encode } from '@lapwing/contracts/codec'
import { encodeState } from '@lapwing/contracts/state-record'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeProgress, encodeProgress } from './progress-record.ts'

const progress = { throughMs: 1_800_000_000_000, historyUntilMs: 1_799_999_000_000 }

describe('progress on the log', () => {
  test('comes back as it was', () => {
    const time = fc.integer({ min: -8.64e15, max: 8.64e15 })
    fc.assert(
      fc.property(time, time, (throughMs, historyUntilMs) => {
        expect(decodeProgress(encodeProgress({ throughMs, historyUntilMs }))).toEqual({ throughMs, historyUntilMs })
      }),
    )
  })

  test('as an earlier release wrote it is still read', () => {
    expect(decodeProgress(readFileSync(new URL('../test/golden/progress.1.bin', import.meta.url)))).toEqual(progress)
  })

  test('is stamped with its CRC-32, which of 16 zeros is ecbb4b55', () => {
    const { snapshot, crc32 } = decode('StateSnapshot', encodeProgress({ throughMs: 0, historyUntilMs: 0 }))
    expect([...snapshot]).toEqual(Array(16).fill(0))
    expect(crc32 >>> 0).toBe(0xecbb4b55)
  })

  test('is refused when it is damaged, or of another layout', () => {
    const record = decode('StateSnapshot', encodeProgress(progress))
    const flipped = Buffer.from(record.snapshot)
    flipped[3]! ^= 1
    expect(() => decodeProgress(encode('StateSnapshot', { ...record, snapshot: flipped }))).toThrow('checksum')
    expect(() => decodeProgress(encode('StateSnapshot', { ...record, version: 2 }))).toThrow('layout 2')
    expect(() => decodeProgress(encodeState(Buffer.alloc(3), -1n, { version: 1, configHash: '' }))).toThrow('3 bytes')
    expect(() => decodeProgress(Buffer.from('nonsense'))).toThrow('no Confluent header')
  })
})
