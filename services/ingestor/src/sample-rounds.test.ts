import { describe, expect, test } from 'vitest'
import { sampleRounds } from './sample-rounds.ts'

const record = (partition: number, text: string) => ({ partition, value: Buffer.from(text) })

describe('rounds', () => {
  test('hold one record of a partition each, in their order', () => {
    const rounds = sampleRounds([record(0, 'a'), record(0, 'b'), record(1, 'c'), record(0, 'd')], 'samples')
    expect(rounds.map((round) => round.map(({ partition, value }) => `${partition}${value}`))).toEqual([
      ['0a', '1c'],
      ['0b'],
      ['0d'],
    ])
  })

  test('of nothing are none', () => {
    expect(sampleRounds([], 'samples')).toEqual([])
  })
})
