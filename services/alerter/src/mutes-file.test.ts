import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { muteFor } from '@lapwing/alerting/mute'
import { ConfigError } from '@lapwing/service/config'
import { pino } from 'pino'
import { afterAll, describe, expect, test } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import { openMuteSource } from './mute-source.ts'
import { readMutesFile } from './mutes-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-mutes-'))
afterAll(() => rmSync(folder, { recursive: true }))

const nowMs = Date.parse('2026-01-05T10:00:00Z')
const file = (name: string, text: string) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const mute = (differences: Record<string, string> = {}) => {
  const fields = {
    id: 'move',
    matchers: `['instance=~"db-.*"']`,
    starts_at: '2026-01-05T10:00:00Z',
    ends_at: '2026-01-05T13:00:00+01:00',
    author: 'ada',
    comment: 'database move',
    ...differences,
  }
  return `mutes:\n  - ${Object.entries(fields)
    .map(([key, value]) => `${key}: ${value}`)
    .join('\n    ')}\n`
}
const problemsOf = (path: string): string => {
  try {
    readMutesFile(path, nowMs)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return ''
}

describe('a file of mutes', () => {
  test('is read with who, why, what and until when', () => {
    const [read] = readMutesFile(file('good.yaml', mute()), nowMs)
    expect(read).toMatchObject({
      id: 'move',
      author: 'ada',
      comment: 'database move',
      endsAtMs: Date.parse('2026-01-05T12:00:00Z'),
    })
    expect(muteFor([read!], { instance: 'db-1' }, nowMs)).toBeDefined()
  })

  test('may have recurring times and a calendar beside it', () => {
    file(
      'plan.ics',
      'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260105T110000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\nEND:VCALENDAR',
    )
    const interval = `[{weekdays: ['monday'], times: [{start_time: '02:00', end_time: '04:00'}], location: Europe/Berlin}]`
    const [recurring] = readMutesFile(file('times.yaml', mute({ time_intervals: interval })), nowMs)
    expect(muteFor([recurring!], { instance: 'db-1' }, nowMs)).toBeUndefined()
    const [planned] = readMutesFile(file('calendar.yaml', mute({ calendar: 'plan.ics' })), nowMs)
    expect(muteFor([planned!], { instance: 'db-1' }, nowMs)).toBeUndefined()
    expect(muteFor([planned!], { instance: 'db-1' }, nowMs + 3_600_000)).toBeDefined()
  })

  test('that is empty has none', () => {
    expect(readMutesFile(file('empty.yaml', ''), nowMs)).toEqual([])
  })

  test.each([
    ['a regular expression that backtracks', { matchers: `['a=~"(x)\\1"']` }, /:3: mutes.0.matchers.0: .*RE2/],
    ['a mute of a hundred years', { ends_at: '2126-01-05T12:00:00Z' }, /:5: mutes.0.ends_at: .*366 days/],
    ['a mute of everything', { matchers: `['team=~".*"']` }, /match everything/],
    ['a moment that is none', { starts_at: 'soon' }, /:4: mutes.0.starts_at: .*2026-01-05T10:00:00Z/],
    ['an unknown key', { untill: '2026-01-05T12:00:00Z' }, /:8: mutes.0.untill: unknown key/],
    [
      'a calendar that is not there',
      { calendar: 'absent.ics' },
      /:8: mutes.0.calendar: calendar .*absent.ics cannot be read \(ENOENT\)/,
    ],
    ['a zone that is none', { time_intervals: `[{location: Mars}]` }, /:8: mutes.0.time_intervals.0.location: .*time zone/],
    ['no author', { author: '""' }, /:6: mutes.0.author/],
  ])('with %s is refused with file and line', (_, differences, message) => {
    const path = file('bad.yaml', mute(differences as Record<string, string>))
    expect(problemsOf(path)).toMatch(message)
    expect(problemsOf(path)).toContain(`${path}:`)
  })

  test('with a calendar of a million events is refused', () => {
    file('huge.ics', `BEGIN:VCALENDAR\n${'BEGIN:VEVENT\nEND:VEVENT\n'.repeat(1_000_000)}END:VCALENDAR`)
    expect(problemsOf(file('huge.yaml', mute({ calendar: 'huge.ics' })))).toMatch(/mutes.0.calendar: .*huge.ics: .*at most/)
  })

  test('with two mutes of one id is refused', () => {
    expect(problemsOf(file('twice.yaml', mute() + mute().replace('mutes:\n', '')))).toMatch(/:8: mutes.1.id: .*no other mute/)
  })
})

test('a file that goes bad leaves the last good mutes in force, and one that gets better takes over', async () => {
  const path = file('live.yaml', mute())
  const events: string[] = []
  const source = openMuteSource({
    ...{ file: path, alertmanagerUrl: '', silencesIntervalMs: 1000, logger: pino({ enabled: false }) },
    onChange: () => events.push('changed'),
    onSilences: () => {},
    onRefused: (origin) => events.push(`refused ${origin}`),
    nowMs: () => nowMs,
  })
  try {
    file('live.yaml', mute({ ends_at: 'never' }))
    await eventually(() => expect(events).toEqual(['refused file']))
    expect(source.own().map(({ id }) => id)).toEqual(['move'])
    file('live.yaml', mute({ id: 'second-move' }))
    await eventually(() => expect(events).toEqual(['refused file', 'changed']))
    expect(source.all().map(({ id }) => id)).toEqual(['second-move'])
  } finally {
    source.close()
  }
}, 30_000)
