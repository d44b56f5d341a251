import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode, encode } from '@lapwing/contracts/codec'
import type { Mute as MuteRecord } from '@lapwing/contracts/records'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { expireAnyMute, listAllMutes } from './both-places.ts'
import { addMute, expireMute, type NewMute } from './edit-mutes-file.ts'
import { mutesText, rowsOfFile, rowsOfRecords } from './list-mutes.ts'
import { mutesFile } from './mutes-file-place.ts'
import { liftMute, recordedMutes } from './recorded-mutes.ts'

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
  mutesText(rowsOfFile(file, atMs), true)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>)

describe('mute', () => {
  test('add, list and expire: the file says what is in force', () => {
    expect(add()).toBe('move is in force until 2026-01-05T12:00:00Z.\n')
    expect(listed()).toMatchObject([
      { id: 'move', now: 'in force', matchers: 'instance=~"db-.*", severity!="critical"', author: 'ada', origin: 'file' },
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
    expect(mutesText(rowsOfFile(file, nowMs), false)).toBe('No mutes.\n')
  })

  test('that began within the same second is removed when it expires', () => {
    add({}, nowMs + 200)
    expect(expire('move', nowMs + 900)).toContain('removed')
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

describe('without brokers', () => {
  const config = join(folder, 'lapwing.yaml')
  beforeEach(() => {
    vi.stubEnv('KAFKA_BROKERS', undefined)
    writeFileSync(config, `alerter: {mutes_file: ${JSON.stringify(file)}}\n`)
    add()
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    rmSync(config)
  })
  const texts: string[] = []
  const write = (text: string) => void texts.push(text)

  test('mutes of the file are listed, and that the others are not known is said', async () => {
    await expect(listAllMutes({ config, json: true }, nowMs, write)).rejects.toThrow(
      /on the page is not known. No brokers are configured: set KAFKA_BROKERS=.* --file/,
    )
    expect(texts.splice(0).map((line) => JSON.parse(line).id)).toEqual(['move'])
    await listAllMutes({ file, json: true }, nowMs, write)
    expect(texts.splice(0)).toHaveLength(1)
  })

  test('a mute of the file ends, and one that is not there says where it was looked for', async () => {
    const by = 'ann'
    await expireAnyMute({ config, by }, 'move', nowMs + 1000, write)
    expect(texts.splice(0)).toEqual(['move has ended.\n'])
    await expect(expireAnyMute({ config, by }, 'other', nowMs, write)).rejects.toThrow(
      /mutes.yaml has no mute .*"other". No brokers/,
    )
    await expect(expireAnyMute({ file, by }, 'other', nowMs, write)).rejects.toThrow(/mutes.yaml: no mute is called "other"/)
  })
})

describe('mutes given on the page', () => {
  const prefix = 'test'
  const given: MuteRecord = {
    ...{ id: '0123456789abcdef', author: 'ann', comment: 'moves', origin: 'page', liftedBy: '', liftedAtMs: null },
    matchers: [{ label: 'metric', operator: '=', value: 'queue "a"' }],
    ...{ startsAtMs: nowMs, endsAtMs: nowMs + hourMs, atMs: nowMs },
  }

  async function brokersWith(...mutes: readonly MuteRecord[]) {
    const log = createInProcessLog()
    await log.ensureTopics(topicSpecs(prefix, 1))
    const topic = topicName(prefix, 'mutes')
    const producer = await log.producer()
    const records = mutes.map((mute) => ({ key: Buffer.from(mute.id), value: encode('Mute', mute) }))
    await producer.send(
      [...records, { key: Buffer.from('odd'), value: Buffer.from('odd') }].map((one) => ({ topic, partition: 0, ...one })),
    )
    const texts: string[] = []
    const deployment = { log, prefix, write: (text: string) => void texts.push(text) }
    return { deployment, texts, records: () => log.readToEnd(topic) }
  }

  test('are listed with where they were given, without what is over or was taken back', async () => {
    const over = { ...given, id: 'over', endsAtMs: nowMs }
    const lifted = { ...given, id: 'lifted', liftedBy: 'bob', liftedAtMs: nowMs }
    const { deployment } = await brokersWith({ ...lifted, liftedAtMs: null }, over, given, lifted)
    expect(rowsOfRecords(await recordedMutes(deployment, nowMs), nowMs)).toEqual([
      {
        ...{ id: given.id, now: 'in force', from: '2026-01-05T10:00:00.000Z', until: '2026-01-05T11:00:00.000Z' },
        ...{ matchers: String.raw`metric="queue \"a\""`, author: 'ann', comment: 'moves', origin: 'page' },
      },
    ])
  })

  test('where there is no topic of mutes, there are none', async () => {
    const deployment = { log: createInProcessLog(), prefix, write: () => {} }
    expect(await recordedMutes(deployment, nowMs)).toEqual([])
  })

  test('are taken back by how their id begins, once, and the record says by whom', async () => {
    const { deployment, texts, records } = await brokersWith(given)
    const lift = { id: '012345', author: 'bob', nowMs: nowMs + 1 }
    await liftMute(deployment, lift)
    expect(texts.join('')).toBe('0123456789abcdef, given by ann, is taken back by bob.\n')
    const last = (await records()).at(-1)!
    expect(Buffer.from(last.key!).toString()).toBe(given.id)
    expect(decode('Mute', last.value!)).toEqual({ ...given, liftedBy: 'bob', liftedAtMs: nowMs + 1 })
    await expect(liftMute(deployment, lift)).rejects.toThrow('No mute in force is called "012345"')
  })

  test('an id that is too short, or begins two of them, takes none back', async () => {
    const { deployment, records } = await brokersWith(given, { ...given, id: '0123456f' })
    await expect(liftMute(deployment, { id: '01234', author: 'bob', nowMs })).rejects.toThrow('No mute in force')
    await expect(liftMute(deployment, { id: '0123456', author: 'bob', nowMs })).rejects.toThrow('2 mutes have an id that begins')
    expect(await records()).toHaveLength(3)
  })
})
