import { describe, expect, test } from 'vitest'
import { outOfMemory } from './memory-guard.ts'

const megabyte = 1024 * 1024

// That it ends a process is shown by the fault tests (row 33); V8 at its limit is a race, and no unit test.
describe('the memory guard', () => {
  test('says nothing while there is room', () => {
    expect(outOfMemory(89 * megabyte, 100 * megabyte)).toBeUndefined()
  })

  test('says what is full and what to do', () => {
    expect(outOfMemory(95 * megabyte, 100 * megabyte)).toMatch(
      /^out of memory: 95 MB .* limit is 100 MB; give it more .*another replica/,
    )
  })
})
