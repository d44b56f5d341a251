import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readLabels } from './labels-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-labels-'))
const file = join(folder, 'labels.yaml')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function read(text: string, known?: readonly string[]) {
  writeFileSync(file, text)
  return readLabels(file, known)
}

const known = ['load{instance="a"}', 'load{instance="b",zone="x"}']
const window = (series: string, from: string, to: string) =>
  `  - series: ${series}\n    from: 2026-03-01T${from}:00Z\n    to: 2026-03-01T${to}:00Z\n`

describe('a file of labels', () => {
  test('says when which series was wrong, its labels in any order', () => {
    expect(read(`tolerance: 2m\nlabels:\n${window('load{ zone="x", instance="b" }', '10:00', '10:30')}`, known)).toEqual({
      toleranceMs: 120_000,
      events: [{ series: known[1], fromMs: Date.parse('2026-03-01T10:00Z'), toMs: Date.parse('2026-03-01T10:30Z') }],
    })
  })

  test('can mean every series', () => {
    expect(read(`labels:\n${window('"*"', '10:00', '10:30')}`, known).events.map(({ series }) => series)).toEqual(known)
  })

  test('takes a series that is named after its PromQL as it is written', () => {
    const series = 'rate(cpu{mode="idle"}[5m]){instance="a"}'
    expect(read(`labels:\n${window(`'${series}'`, '10:00', '10:30')}`, [series]).events[0]!.series).toBe(series)
  })

  test.each([
    [
      `labels:\n${window('up{job="x"}', '10:00', '10:30')}`,
      /labels.yaml:2: labels.0.series: expected a series that there is, such as load\{/,
    ],
    [
      `labels:\n${window(known[0]!, '10:00', '10:30')}${window(known[0]!, '10:30', '11:00')}`,
      /labels.yaml:6: labels.1.from: .*do not overlap: this one and the 1st do/,
    ],
    [
      `labels:\n${window(known[0]!, '10:00', '10:30')}${window('"*"', '10:10', '10:20')}`,
      /labels.yaml:6: labels.1.from: .*do not overlap/,
    ],
    [`labels:\n${window(known[0]!, '10:30', '10:00')}`, /labels.yaml:4: labels.0.to: expected a time after "from"/],
    [
      'labels:\n  - series: load\n    from: yesterday\n    to: 2026-03-01T10:00:00Z\n',
      /labels.yaml:3: labels.0.from: expected a time such as/,
    ],
    ['labels:\n  - serie: load\n', /labels.yaml:2: labels.0.serie: unknown key/],
    ['labels: []\n', /labels.yaml:1: labels/],
  ])('is refused with file, line and key: %#', (text, message) => {
    expect(() => read(text, known)).toThrow(message)
  })
})
