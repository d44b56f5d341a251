import { Secret } from '@lapwing/service/config-fields'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { reporterSchema } from './config.ts'
import { settingsYaml } from './settings-text.ts'

describe('settings as YAML', () => {
  test('what was read comes out, lengths of time as people write them, secrets hidden', () => {
    const reporter = reporterSchema.parse({
      retention: '36h',
      data_dir: '/var/lib/lapwing: "x"',
      tokens: [{ name: 'ann', token: 'a-secret-that-nobody-may-see', scopes: ['write'] }],
    })
    const yaml = settingsYaml({ log: { level: 'info' }, reporter })
    expect(yaml).not.toContain('nobody')
    expect(parse(yaml)).toMatchObject({
      log: { level: 'info' },
      reporter: {
        retention: '36h',
        data_dir: '/var/lib/lapwing: "x"',
        tokens: [{ name: 'ann', token: '[secret]', scopes: ['write'] }],
      },
    })
  })

  test('what a file says without secrets comes back as the same settings', () => {
    const settings = reporterSchema.parse({ retention: '90m', points_per_series: 500 })
    expect(reporterSchema.parse(parse(settingsYaml(settings)))).toEqual(settings)
  })

  test.each([
    [{ ms: 86_400_000 * 35 }, '35d'],
    [{ ms: 5_400_000 }, '90m'],
    [{ ms: 1500 }, '1500ms'],
    [/^db-.*/, '^db-.*'],
    [new Secret('x'), '[secret]'],
    [[{ a: null }], [{ a: null }]],
  ])('%o', (value, text) => {
    expect(parse(settingsYaml({ value }))).toEqual({ value: text })
  })
})
