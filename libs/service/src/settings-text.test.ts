import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { duration, Secret, secret } from './config-fields.ts'
import { settingsYaml } from './settings-text.ts'

const schema = z.object({
  retention: duration(1).prefault('35d'),
  folder: z.string().default('reports'),
  tokens: z.array(z.object({ name: z.string(), token: secret() })).default([]),
})

describe('settings as YAML', () => {
  test('what was read comes out, lengths of time as people write them, secrets hidden', () => {
    const section = schema.parse({
      ...{ retention: '36h', folder: '/var/lib/lapwing: "x"' },
      tokens: [{ name: 'ann', token: 'a-secret-that-nobody-may-see' }],
    })
    const yaml = settingsYaml({ log: { level: 'info' }, section })
    expect(yaml).not.toContain('nobody')
    expect(parse(yaml)).toEqual({
      log: { level: 'info' },
      section: { retention: '36h', folder: '/var/lib/lapwing: "x"', tokens: [{ name: 'ann', token: '[secret]' }] },
    })
  })

  test('what a file says without secrets comes back as the same settings', () => {
    const settings = schema.parse({ retention: '90m' })
    expect(schema.parse(parse(settingsYaml(settings)))).toEqual(settings)
  })

  test.each([
    [{ ms: 86_400_000 * 35 }, '35d'],
    [{ ms: 5_400_000 }, '90m'],
    [{ ms: 1500 }, '1500ms'],
    [/^db-.*/, '^db-.*'],
    [new Secret('x'), '[secret]'],
    [new Secret(''), ''],
    [[{ a: null }], [{ a: null }]],
    ['http://me:p@ss@prometheus:9090/a', 'http://me:[secret]@prometheus:9090/a'],
    ['http://prometheus:9090', 'http://prometheus:9090'],
  ])('%o', (value, text) => {
    expect(parse(settingsYaml({ value }))).toEqual({ value: text })
  })
})
