import { encode } from '@lapwing/contracts/codec'
import type { DeadLetter } from '@lapwing/contracts/records'
import type { LogRecord } from '@lapwing/stream/log'
import { describe, expect, test } from 'vitest'
import { isSelected, letterTable, newestFirst, readLetter, summaryOf } from './dead-letter.ts'

const letter: DeadLetter = {
  reason: 'malformed',
  error: 'not a SampleBatch',
  service: 'detector',
  topic: 'lapwing.samples.v1',
  partition: 3,
  offset: 17,
  timestampMs: 0,
  key: null,
  value: Buffer.from('12345'),
}
const record = (value: Uint8Array | null, timestampMs = Date.UTC(2026, 0, 2, 3, 4, 5)): LogRecord => ({
  topic: 'lapwing.dead-letters.v1',
  partition: 1,
  offset: 9n,
  timestampMs,
  key: null,
  value,
  headers: new Map(),
})
const summary = summaryOf(record(null), letter)
const marker = { version: 1, configHash: '', sourceOffset: 0, keyCount: 0, digest: '', sidePositions: [] }
const any = { topic: undefined, reason: undefined }

describe('a letter', () => {
  test('is read back as it was written', () => {
    expect(readLetter(record(encode('DeadLetter', letter)))).toEqual(letter)
  })

  test.each([
    ['without a value', null, 'no Confluent header'],
    ['of other bytes', Buffer.from('{}'), 'no Confluent header'],
    ['that is another record', encode('StateMarker', marker), 'expected DeadLetter, found StateMarker'],
  ])('%s is unreadable, and has no origin', (_name, value, error) => {
    expect(readLetter(record(value))).toMatchObject({ reason: 'unreadable', error, topic: '', partition: -1, value: null })
  })
})

describe('a selection', () => {
  test('is by topic of origin, by reason, by both, or takes all', () => {
    const selections = [
      any,
      { ...any, topic: letter.topic },
      { ...any, reason: 'malformed' },
      { topic: letter.topic, reason: 'malformed' },
    ]
    expect(selections.map((selection) => isSelected(letter, selection))).toEqual([true, true, true, true])
    expect(isSelected(letter, { ...any, topic: 'lapwing.samples' })).toBe(false)
    expect(isSelected(letter, { topic: letter.topic, reason: 'too_large' })).toBe(false)
  })
})

describe('the newest', () => {
  test('come first, and no more of them than asked for', () => {
    const letters = [1, 3, 2].map((writtenAtMs) => ({ ...summary, writtenAtMs }))
    expect(newestFirst(letters, 2).map(({ writtenAtMs }) => writtenAtMs)).toEqual([3, 2])
  })

  test('of one moment are ordered by place', () => {
    const letters = [4, 6, 5].map((offset) => ({ ...summary, offset }))
    expect(newestFirst(letters, 3).map(({ offset }) => offset)).toEqual([6, 5, 4])
  })
})

describe('the table', () => {
  test('says when, where, why and what of a letter', () => {
    expect(letterTable([summary], 1).split('\n')).toEqual([
      'when                  letter  reason     service   origin                   bytes  error',
      '2026-01-02T03:04:05Z  1/9     malformed  detector  lapwing.samples.v1 3/17      5  not a SampleBatch',
      '',
    ])
  })

  test('shows what a hostile letter would have the terminal do', () => {
    const hostile = { ...summary, reason: '\u001b[2J', originTopic: 'a\r', error: 'x\n\u202ey' }
    const lines = letterTable([hostile], 1).split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[1]).toContain('\\u001b[2J')
    expect(lines[1]).toContain('a\\u000d 3/17')
    expect(lines[1]).toContain('x\\u000a\\u202ey')
  })

  test('shows a time that no calendar has as its number', () => {
    expect(letterTable([summaryOf(record(null, 9e15), letter)], 1)).toContain('9000000000000000')
  })

  test('says how many it leaves out, and when there are none', () => {
    expect(letterTable([summary], 3)).toContain('Not shown (--limit): 2 older.')
    expect(letterTable([], 0)).toBe('No dead letters.\n')
  })
})
