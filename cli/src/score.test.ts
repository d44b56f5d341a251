import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { detectorSchema } from '@lapwing/detector/config'
import { seriesDetectorOptions } from '@lapwing/queries/detector-settings'
import { afterAll, describe, expect, test } from 'vitest'
import { scoreFiles } from './score.ts'
import { UserError } from './user-error.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-score-'))
afterAll(() => rmSync(folder, { recursive: true }))
let cases = 0

async function scoreTexts(files: Record<string, string>) {
  const input = join(folder, `in-${cases}`)
  const output = join(folder, `out-${cases++}`)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(input, name)), { recursive: true })
    writeFileSync(join(input, name), text)
  }
  const progress: number[] = []
  const detector = seriesDetectorOptions(detectorSchema.parse({}))
  const summaries = await scoreFiles({ input, output, detector, onProgress: (done, total) => progress.push(done / total) })
  return {
    input,
    output,
    summaries,
    progress,
    rows: (name: string) => readFileSync(join(output, name), 'utf8').trimEnd().split('\n'),
  }
}

const quiet = Array.from({ length: 400 }, (_, i) => 10 + Math.sin(i / 3) + Math.sin(i * 1.7) / 2)
const csv = (values: readonly (number | string)[]) =>
  `timestamp,value\n${values.map((value, i) => `${new Date(i * 300_000).toISOString().slice(0, 19).replace('T', ' ')},${value}\n`).join('')}`

describe('scoring files', () => {
  test('writes the same tree, a row for each row, with the columns of the contract', async () => {
    const { rows, summaries, progress } = await scoreTexts({ 'a/b/deep.csv': csv([...quiet, 60, 60]), 'top.csv': csv([1, 2]) })
    expect(rows('top.csv')).toHaveLength(3)
    const deep = rows('a/b/deep.csv')
    expect(deep[0]).toBe('timestamp,value,anomaly_score,expected,lower,upper,opened')
    expect(deep).toHaveLength(403)
    expect(deep[401]).toMatch(/^1970-01-02 09:20:00,60,[\d.]+,[\d.]+,[\d.]+,[\d.]+,1$/)
    expect(deep[402]!.endsWith(',0')).toBe(true)
    expect(summaries).toEqual([
      { file: 'a/b/deep.csv', rows: 402, opened: 1, longestEpisodeRows: 2 },
      { file: 'top.csv', rows: 2, opened: 0, longestEpisodeRows: 0 },
    ])
    expect(progress.at(-1)).toBe(1)
  })

  test('a value that is no number, and a row that is not newer, pass through unscored and unlearned', async () => {
    const lines = csv(quiet).trimEnd().split('\n')
    const disturbed = [
      ...lines.slice(0, 300),
      `${lines[299]!.split(',')[0]},500`,
      '1970-01-02 00:30:00,NaN',
      '1970-01-02 00:31:00,',
      ...lines.slice(300),
    ]
    const { rows } = await scoreTexts({ 'clean.csv': `${lines.join('\n')}\n`, 'disturbed.csv': `${disturbed.join('\n')}\n` })
    const found = rows('disturbed.csv')
    expect(found[300]).toBe('1970-01-02 00:50:00,500,0,,,,0')
    expect(found.slice(303)).toEqual(rows('clean.csv').slice(300))
  })

  test('the same input gives the same bytes', async () => {
    const text = { 'x.csv': csv([...quiet, 90, ...quiet]) }
    expect((await scoreTexts(text)).rows('x.csv')).toEqual((await scoreTexts(text)).rows('x.csv'))
  })

  test('seconds, milliseconds and time zones are understood', async () => {
    const { rows } = await scoreTexts({
      't.csv': 'timestamp,value\n1700000000,1\n1700000015000,1\n2023-11-15T00:00:00+01:00,1\n',
    })
    expect(
      rows('t.csv')
        .slice(1)
        .every((row) => /,\d[^,]*,\d/.test(row.slice(row.indexOf(',') + 2))),
    ).toBe(true)
  })

  test.each([
    ['x,y\n1,2\n', ':1: expected a header line with the columns timestamp and value, found "x,y"'],
    ['', ':1: the file is empty'],
    [
      'timestamp,value\n1,2\nyesterday,2\n',
      ':3: timestamp: expected 2026-01-31 13:45:00 or seconds since 1970, found "yesterday"',
    ],
    ['timestamp,value\n1,much\n', ':2: value: expected a number, found "much"'],
  ])('a file that cannot be read is named with its line, and nothing is left: %j', async (text, message) => {
    const failing = scoreTexts({ 'bad.csv': text })
    await expect(failing).rejects.toThrow(UserError)
    await expect(failing).rejects.toThrow(`bad.csv${message}`)
    expect(readdirSync(join(folder, `out-${cases - 1}`))).toEqual([])
  })

  test('an input without CSV files, or that is not there, is told', async () => {
    await expect(scoreTexts({ 'readme.txt': 'x' })).rejects.toThrow('no .csv files here')
    const detector = seriesDetectorOptions(detectorSchema.parse({}))
    await expect(scoreFiles({ input: '/absent', output: folder, detector, onProgress: () => {} })).rejects.toThrow(
      '/absent: no such file',
    )
  })
})
