import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { muteCommand, muteYaml } from './mute-text.ts'

const hostile = `it's "x" $(touch /tmp/x) \\ \`id\``
const subject = {
  episodeId: '3f2a91c04b7d88aa',
  metric: 'latency',
  labels: [
    ['__name__', 'latency'],
    ['host', hostile],
    ['no label', 'x'],
  ],
} as const

describe('mute', () => {
  test('the command reaches the program as it was meant, whatever the labels say', () => {
    const echoed = muteCommand(subject).replace('./lapwing mute add', `printf '%s\\n'`)
    const words = execFileSync('bash', ['-c', echoed], { encoding: 'utf8' }).trimEnd().split('\n')
    expect(words).toEqual([
      '-m',
      'metric="latency"',
      '-m',
      `host=${JSON.stringify(hostile)}`,
      '--for',
      '2h',
      '--author',
      'YOU',
      '--comment',
      'WHY',
    ])
  })

  test('the YAML is an entry of the file of mutes', () => {
    expect(parse(muteYaml(subject, Date.UTC(2026, 0, 1)))).toEqual({
      mutes: [
        {
          id: 'page-3f2a91c04b7d',
          matchers: ['metric="latency"', `host=${JSON.stringify(hostile)}`],
          starts_at: '2026-01-01T00:00:00Z',
          ends_at: '2026-01-01T02:00:00Z',
          author: 'YOU',
          comment: 'WHY',
        },
      ],
    })
  })
})
