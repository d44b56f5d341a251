import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { detectorSchema } from '@lapwing/detector/config'
import { seriesDetectorOptions } from '@lapwing/queries/detector-settings'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { type ScoreChannelsOptions, scoreChannels } from './score-channels.ts'
import { UserError } from './user-error.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-score-channels-'))
afterAll(() => rmSync(root, { recursive: true }))
let folder = root
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'))
})

function written(name: string, text: string | Buffer): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const scored = (options: Partial<ScoreChannelsOptions> & Pick<ScoreChannelsOptions, 'input'>) =>
  scoreChannels({
    output: join(folder, 'out.csv'),
    model: 'multiscale-pca',
    seed: 1,
    detector: seriesDetectorOptions(detectorSchema.parse({})),
    tensorflowBackend: 'wasm',
    onProgress: () => {},
    onTensorFlow: () => {},
    ...options,
  })

const output = () => readFileSync(join(folder, 'out.csv'), 'utf8').trimEnd().split('\n')

/** Two channels that move together; from `faultRow` on the second stands against the first. */
function lines(count: number, faultRow = Number.POSITIVE_INFINITY): string[] {
  return Array.from({ length: count }, (_, row) => {
    const a = Math.sin(row / 15) + 0.05 * Math.sin(row * 7.7)
    const b = (row >= faultRow ? -1 : 1) * a + 0.05 * Math.sin(row * 3.1)
    return `${a.toFixed(4)},${b.toFixed(4)}`
  })
}

const csv = (header: string, rows: readonly string[]) => `${header}\n${rows.join('\n')}\n`

describe('scoring the channels of one table with a model of another', () => {
  test('writes a row for each row, opens on the fault, and names the channels', async () => {
    const train = written('train.csv.gz', gzipSync(csv('a,b', lines(800))))
    const input = written('test.csv', csv('a,b', lines(400, 300)))
    const summary = await scored({ train, input })
    const rows = output()
    expect(rows[0]).toBe('anomaly_score,opened,top_channels')
    expect(rows).toHaveLength(401)
    expect(rows[1]).toBe('0,0,')
    const opened = rows.findIndex((row) => row.split(',')[1] === '1')
    expect(opened).toBeGreaterThan(300)
    expect(opened).toBeLessThan(310)
    expect(rows[opened]).toMatch(/^[\d.]+,1,[ab]:0\.\d\d [ab]:0\.\d\d$/)
    expect(summary).toMatchObject({ rows: 400, opened: 1 })
  })

  test('is causal: what comes later changes nothing before', async () => {
    const train = written('train.csv', csv('a,b', lines(800)))
    await scored({ train, input: written('long.csv', csv('a,b', lines(400, 300))) })
    const long = output()
    await scored({ train, input: written('short.csv', csv('a,b', lines(300))) })
    expect(output()).toEqual(long.slice(0, 301))
  })

  test('label is ignored, timestamp is handed on, and columns go by name', async () => {
    const rows = lines(400, 300)
    const train = written('train.csv', csv('a,b', lines(800)))
    await scored({ train, input: written('plain.csv', csv('a,b', rows)) })
    const plain = output()
    const mixed = rows.map((row, i) => `${i % 2},${row.split(',')[1]},t${i},${row.split(',')[0]}`)
    await scored({ train, input: written('mixed.csv', csv('label,b,timestamp,a', mixed)) })
    expect(output()[0]).toBe('timestamp,anomaly_score,opened,top_channels')
    expect(output().slice(1)).toEqual(plain.slice(1).map((row, i) => `t${i},${row}`))
  })

  test('the online model learns on the way, and knows more when there were rows to train on', async () => {
    const input = written('test.csv', csv('a,b', [...lines(50), '90,0.1', ...lines(400), '90,0.1']))
    await scored({ model: 'online', input })
    expect(output()[51]).toBe('0,0,')
    await scored({ model: 'online', input, train: written('train.csv', csv('a,b', lines(800))) })
    expect(output()[51]).toMatch(/^[\d.]+,1,a:/)
  })

  test('a forest judges each row by itself, tells which channel it is, and the same again with the same seed', async () => {
    const train = written('train.csv', csv('a,b', lines(800)))
    const input = written('test.csv', csv('a,b', [...lines(100), '0,9', ...lines(50)]))
    expect(await scored({ model: 'iforest', train, input })).toMatchObject({ rows: 151 })
    const first = output()
    expect(first[101]).toMatch(/^[\d.]+,1,b:0\.\d\d/)
    expect(Number(first[101]!.split(',')[0])).toBeGreaterThan(1)
    expect(first.slice(1, 101).filter((row) => Number(row.split(',')[0]) > 1).length).toBeLessThan(10)
    await scored({ model: 'iforest', train, input })
    expect(output()).toEqual(first)
    const few = written('few.csv', csv('a,b', lines(20)))
    await expect(scored({ model: 'iforest', train: few, input })).rejects.toThrow(
      '20 rows are too few to train on, expected at least 200',
    )
  })

  test.each([
    ['a,b\n1,2\n3,x\n', 'train.csv:3: b: expected a number, found "x"'],
    ['a,b\n1,2\n3\n', 'train.csv:3: expected 2 columns as in the header, found 1'],
    ['', 'train.csv:1: the file is empty, expected a header line with a name for each channel'],
    ['label\n1\n', 'train.csv:1: expected a column for each channel, found "label"'],
    ['a,a\n1,2\n', 'train.csv:1: the column a is there twice'],
    ['0.1,0.2\n1,2\n', 'train.csv:1: expected a header line with a name for each channel, found numbers'],
    ['a,b\n1,2\n', 'train.csv: 1 rows are too few to train on, expected at least 200'],
  ])('what cannot be read is named with file, line and column, and nothing is left: %j', async (text, message) => {
    const input = written('test.csv', csv('a,b', lines(10)))
    const failing = scored({ train: written('train.csv', text), input })
    await expect(failing).rejects.toThrow(UserError)
    await expect(failing).rejects.toThrow(message)
    expect(readdirSync(folder).sort()).toEqual(['test.csv', 'train.csv'])
  })

  test('a table with other columns, a broken .gz, a file that is not there and a model without training are told', async () => {
    const train = written('train.csv', csv('a,b', lines(800)))
    await expect(scored({ train, input: written('other.csv', 'a,c\n1,2\n') })).rejects.toThrow(
      `other.csv:1: expected the columns of ${train}: missing b; not in training c`,
    )
    const broken = written('broken.csv.gz', gzipSync(csv('a,b', lines(400))).subarray(0, 500))
    await expect(scored({ train, input: broken })).rejects.toThrow(`${broken}: cannot be read`)
    await expect(scored({ train, input: '/absent.csv' })).rejects.toThrow('/absent.csv: no such file')
    await expect(scored({ input: train })).rejects.toThrow('--model multiscale-pca needs rows to learn from: --train FILE')
    expect(readdirSync(folder).filter((name) => name.startsWith('out'))).toEqual([])
  })
})
