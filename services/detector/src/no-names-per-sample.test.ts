/** What is made for each sample costs the most of what there is: as the services run, through the loader, a named function is one of them. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))

function definitionsIn(samples: number): number {
  const args = ['--import', 'tsx', 'services/detector/testing/count-definitions.ts', String(samples)]
  return Number(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }))
}

test('a batch of 400 samples names as few functions as one of 4', () => {
  const ofFew = definitionsIn(4)
  expect(ofFew).toBeGreaterThan(0)
  expect(definitionsIn(400)).toBe(ofFew)
})
