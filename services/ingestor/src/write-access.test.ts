import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createWriteAccess, writeAccessSchema } from './write-access.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-write-access-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const accessOf = (settings: object) => createWriteAccess(z.strictObject(writeAccessSchema).parse(settings))
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

test('without credentials configured anybody may push', () => {
  expect(accessOf({})(undefined)).toEqual({ name: undefined, tenant: undefined })
})

test('one of the configured credentials is needed, whatever the case of its scheme, and nothing less or more', () => {
  const may = accessOf({ bearer_token: 'token', basic_auth: { username: 'shop', password: 'pass:word' } })
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
  expect(good.map((shown) => may(shown) !== undefined)).toEqual(good.map(() => true))
  expect(bad.map(may)).toEqual(bad.map(() => undefined))
})

test('several credentials, each with its name and its tenant; a rotated file counts from the next request on', () => {
  const token = file('token', 'first\n')
  const may = accessOf({
    credentials: [
      { bearer_token_file: token, name: 'shop-prometheus', tenant: 'shop' },
      { basic_auth: { username: 'ops', password_file: file('password', 'one\n') } },
    ],
  })
  expect(may('Bearer first')).toMatchObject({ name: 'shop-prometheus', tenant: 'shop' })
  expect(may(basic('ops:one'))).toMatchObject({ name: 'ops', tenant: undefined })
  file('token', 'second\n')
  expect([may('Bearer first'), may('Bearer second')?.name]).toEqual([undefined, 'shop-prometheus'])
})

test('an empty secret lets nobody in', () => {
  const may = accessOf({ bearer_token_file: file('empty', '\n') })
  expect([may(undefined), may(''), may('Bearer '), may('Bearer')]).toEqual([undefined, undefined, undefined, undefined])
})
