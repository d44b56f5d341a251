/** The checker can fail: products with one thing left out, on a real broker, and it has to say so of each. */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type Hall, openHall } from './harness/hall.ts'
import { runRow } from './harness/run-row.ts'
import { mutants } from './rows/mutants.ts'

describe.concurrent('the checker turns red for a product with', () => {
  let hall: Hall
  beforeAll(async () => {
    hall = await openHall(undefined)
  })
  afterAll(() => hall?.close())

  for (const mutant of mutants) {
    test(mutant.fault, async ({ expect }) => {
      const { violations } = await runRow(mutant, hall)
      process.stderr.write(`  ${mutant.fault}:\n${violations.map((violation) => `    ${violation}\n`).join('')}`)
      expect(violations).toContainEqual(expect.stringMatching(mutant.noticed))
    })
  }
})
