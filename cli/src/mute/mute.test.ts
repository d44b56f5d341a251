import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { addMute, expireMute, type NewMute } from './edit-mutes-file.ts'
import { listMutes } from './list-mutes.ts'
import { mutesFile } from './mutes-file-place.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-mute-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'mutes.yaml')
beforeEach(() => rmSync(file, { force: true }))

const nowMs = Date.parse('2026-01-05T10:00:00Z')
const hourMs = 3_600_000
const move: NewMute = {
  ...{ matchers: ['instance=~"db-.*"', 'severity!=critical'], author: 'ada', comment: 'the database moves' },
  ...{ id: 'move', forMs: 2 * hourMs, untilMs: undefined },
}
const said = (action: (write: (text: string) => void) => void) => {
  let text = ''
  action((part) => {
    text += part
  })
  return text
}
const add = (mute: Partial<NewMute> = {}, atMs = nowMs) => said((write) => addMute(file, { ...move, ...mute }, atMs, write))
const expire = (id: string, atMs = nowMs) => said((write) => expireMute(file, id, atMs, write))
const listed = (atMs = nowMs) =>
  said((write) => listMutes(file, true, atMs, write))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>)

describe('mute', () => {
  test('add, list and expire: the file says what is in force', () => {
    expect(add()).toBe('move is in force until 2026-01-05T12:00:00Z.\n')
    expect(listed()).toMatchObject([
      { id: 'move', now: 'in force', matchers: 'instance=~"db-.*", severity!="critical"', author: 'ada' },
    ])
    expect(listed(nowMs + 3 * hourMs)).toMatchObject([{ now: 'over' }])
    expect(expire('move', nowMs + hourMs)).toBe('move has ended.\n')
    expect(listed(nowMs + hourMs)).toMatchObject([{ now: 'over' }])
    expect(() => expire('move', nowMs + hourMs)).toThrow('over already')
  })

  test('keeps comments and the mutes that are there', () => {
    add({ id: 'first' })
    writeFileSync(file, `# of the database team\n${readFileSync(file, 'utf8')}`)
    add({ id: 'second' })
    expect(readFileSync(file, 'utf8')).toMatch(/^# of the database team\n/)
    expect(listed().map(({ id }) => id)).toEqual(['first', 'second'])
  })

  test('is named by its time when nobody names it', () => {
    expect(add({ id: undefined })).toContain('mute-20260105100000')
  })

  test('that has not begun is removed when it expires', () => {
    add({}, nowMs + hourMs)
    expect(expire('move')).toContain('removed')
    expect(said((write) => listMutes(file, false, nowMs, write))).toBe(`${file} has no mutes.\n`)
  })

  test.each([
    ['that lasts too long', { forMs: 367 * 24 * hourMs }, /mutes.yaml:\d+: mutes.0.ends_at: .*366 days/],
    ['of everything', { matchers: ['team=~".*"'] }, /match everything/],
    ['with an expression that backtracks', { matchers: ['a=~"(x)\\1"'] }, /mutes.0.matchers.0: .*RE2/],
    ['without an end', { forMs: undefined }, /either --for or --until/],
  ])('%s is refused, and the file stays as it was', (_, differences, message) => {
    expect(() => add(differences)).toThrow(message)
    expect(readdirSync(folder)).toEqual([])
  })

  test('without a file says how to name one', () => {
    expect(() => mutesFile({})).toThrow('set alerter.mutes_file')
    expect(mutesFile({ file: 'a.yaml' })).toBe('a.yaml')
  })
})
