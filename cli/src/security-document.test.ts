/** docs/security.md is held to the tests: each row names one that exists. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const rows = [...readFileSync(`${root}docs/security.md`, 'utf8').matchAll(/^\| (\d+) \|(.*)\|$/gm)].flatMap(([, number, cells]) =>
  [
    ...cells!
      .split(' | ')
      .at(-1)!
      .matchAll(/`([^`]+)` "([^"]+)"/g),
  ].map(([, file, title]) => ({
    number: Number(number),
    file: file!,
    title: title!,
  })),
)

test('there are 25 threats, each with a test', () => {
  expect([...new Set(rows.map(({ number }) => number))]).toEqual(Array.from({ length: 25 }, (_, i) => i + 1))
})

test.each(rows)('the test of threat $number exists: $title', ({ file, title }) => {
  expect(readFileSync(root + file, 'utf8')).toContain(title)
})
