import { describe, expect, test } from 'vitest'
import { afterClaim, dueRenewal, type Election, nextClaim, type ReplicaClaim, verdictOn } from './replica-election.ts'

const timing = { failoverMs: 30_000, renewalMs: 15_000 }
const claim = (replica: string, term: number, atMs: number, isRenewal = false): ReplicaClaim => ({
  replica,
  term,
  atMs,
  isRenewal,
})
const fold = (claims: readonly ReplicaClaim[], nowMs = 1e6) =>
  claims.reduce<Election | undefined>((election, one) => afterClaim(election, one, nowMs), undefined)

describe('the election of a replica', () => {
  test('the elected one is taken, another dropped, and after a silence it may claim', () => {
    expect(verdictOn(undefined, 'a', 0, timing)).toBe('claim')
    const election = fold([claim('a', 1, 1000)])
    expect(verdictOn(election, 'a', 500_000, timing)).toBe('take')
    expect(verdictOn(election, 'b', 31_000, timing)).toBe('drop')
    expect(verdictOn(election, 'b', 31_001, timing)).toBe('claim')
    expect(nextClaim(election, 'b', 31_001)).toEqual(claim('b', 2, 31_001))
  })

  test('of two claims of one term the first wins, and a later term beats both', () => {
    expect(fold([claim('a', 1, 0), claim('b', 1, 5)])?.replica).toBe('a')
    expect(fold([claim('a', 1, 0), claim('b', 1, 5), claim('c', 2, 6), claim('a', 1, 7)])).toMatchObject({
      replica: 'c',
      term: 2,
    })
  })

  test('a renewal puts right whoever has read only the claim that lost', () => {
    expect(fold([claim('b', 1, 5), claim('a', 1, 9, true)])).toMatchObject({ replica: 'a', heardMs: 9 })
  })

  test('reading claims again changes nothing, and nobody is heard in the future', () => {
    const claims = [claim('a', 1, 0), claim('b', 1, 5), claim('b', 2, 9e9), claim('b', 2, 7, true)]
    expect(fold([...claims, ...claims], 100)).toEqual(fold(claims, 100))
    expect(fold(claims, 100)?.heardMs).toBe(100)
  })

  test('is renewed at half of the silence, so that nobody who does not hear the elected one claims', () => {
    const election = fold([claim('a', 1, 1000)])!
    expect(dueRenewal(election, 15_999, timing)).toBeUndefined()
    expect(dueRenewal(election, 16_000, timing)).toEqual(claim('a', 1, 16_000, true))
  })
})
