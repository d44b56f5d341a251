import { encode } from '@lapwing/contracts/codec'
import { expect, test } from 'vitest'
import { SettingsBook } from './settings-book.ts'

const nowMs = 10_000_000
const told = (service: string, instance: string, atMs = nowMs) => ({
  key: Buffer.from(`${service}/${instance}`),
  value: encode('ServiceSettings', { service, instance, version: '1', startedAtMs: atMs, atMs, yaml: 'log: {}\n' }),
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
