import { encode } from '@lapwing/contracts/codec'
import type { Trouble } from '@lapwing/contracts/records'
import { expect, test } from 'vitest'
import { SettingsBook } from './settings-book.ts'

const nowMs = 10_000_000
const told = (service: string, instance: string, atMs = nowMs, troubles: readonly Trouble[] = []) => ({
  key: Buffer.from(`${service}/${instance}`),
  value: encode('ServiceSettings', { service, instance, version: '1', startedAtMs: atMs, atMs, yaml: 'log: {}\n', troubles }),
})

test('processes come in the order of the data; one that ended or is not heard any more is gone, and a service without any is missing', () => {
  const book = new SettingsBook()
  const drift = told('drift', 'd')
  for (const record of [told('reporter', 'r'), told('ingestor', 'b'), told('ingestor', 'a'), drift, told('alerter', 'x', 1000)])
    book.take(record)
  book.take({ ...drift, value: null })
  expect(book.inForce(nowMs).map(({ service, instance }) => `${service} ${instance}`)).toEqual([
    'ingestor a',
    'ingestor b',
    'reporter r',
  ])
  expect(book.missing(nowMs)).toEqual(['detector', 'trainer', 'drift', 'alerter'])
})

test('what does not work is known until it works, its process ends, or nobody tells of it any more; one of two is shown', () => {
  const book = new SettingsBook()
  const trouble = (subject: string, atMs: number, sinceMs: number) => ({
    ...{ subject, text: 'up{', reason: 'bad_query', message: 'parse error', sinceMs, atMs },
  })
  book.take(told('ingestor', 'a', nowMs - 60_000, [trouble('x', nowMs - 70_000, 5), trouble('y', nowMs - 70_000, 1)]))
  book.take(told('ingestor', 'b', nowMs, [trouble('x', nowMs, 6)]))
  expect(book.troubles(nowMs).map(({ subject, sinceMs }) => [subject, sinceMs])).toEqual([
    ['y', 1],
    ['x', 6],
  ])
  expect(book.troubles(nowMs + 150_000).map(({ subject }) => subject)).toEqual(['x'])
  expect(book.troubles(nowMs + 200_000)).toEqual([])
  expect(book.inForce(nowMs + 200_000)).toHaveLength(2)
  book.take(told('ingestor', 'a', nowMs))
  book.take({ ...told('ingestor', 'b'), value: null })
  expect(book.troubles(nowMs)).toEqual([])
})
