import { expect, test } from 'vitest'
import { createWriteAccess } from './write-access.ts'

const hidden = (text: string) => ({ reveal: () => text })
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

test('without credentials configured anybody may push', () => {
  expect(createWriteAccess({})(undefined)).toBe(true)
})

test('one of the configured credentials is needed, whatever the case of its scheme, and nothing less or more', () => {
  const may = createWriteAccess({
    bearer_token: hidden('token'),
    basic_auth: { username: 'shop', password: hidden('pass:word') },
  })
  const good = ['Bearer token', 'bearer token', basic('shop:pass:word'), basic('shop:pass:word').replace('Basic', 'BASIC')]
  const bad = [
    undefined,
    '',
    'token',
    'Bearer',
    'Bearer toke',
    'Bearer tokens',
    'Bearer TOKEN',
    basic('shop:pass'),
    basic('other:pass:word'),
  ]
  expect(good.map(may)).toEqual(good.map(() => true))
  expect(bad.map(may)).toEqual(bad.map(() => false))
})
