import { describe, expect, test } from 'vitest'
import { LogError } from './errors.ts'
import { ownUntil, takenOverAgain } from './take-over-again.ts'

/** Owns with the outcomes in turn; the last one ends it. Returns the pauses. */
async function run(outcomes: readonly ('works, then times out' | 'times out' | 'is fenced' | Error)[]): Promise<number[]> {
  const ending = new AbortController()
  const pauses: number[] = []
  let tries = 0
  await ownUntil({
    signal: ending.signal,
    own: async (onSuccess) => {
      const outcome = outcomes[tries++]
      if (outcome === undefined) return ending.abort()
      if (outcome instanceof Error) throw outcome
      if (outcome === 'works, then times out') onSuccess()
      throw new LogError(outcome === 'is fenced' ? 'fenced' : 'timeout')
    },
    pause: async (ms) => {
      pauses.push(ms)
    },
  })
  return pauses
}

describe('owning a partition', () => {
  test('who is fenced tries again, as after any error that passes', async () => {
    expect(await run(['is fenced', 'times out', 'is fenced'])).toEqual([250, 500, 1000])
  })

  test('pauses begin anew after a success, however many failures there were', async () => {
    const failures = Array<'times out'>(8).fill('times out')
    expect((await run([...failures, 'works, then times out', 'times out'])).slice(-3)).toEqual([5000, 250, 500])
  })

  test('an error that does not pass ends it', async () => {
    const bug = new Error('a bug')
    await expect(run(['times out', bug])).rejects.toBe(bug)
    await expect(run([new LogError('unauthorised')])).rejects.toMatchObject({ code: 'unauthorised' })
  })

  test('nothing is thrown once it was told to end', async () => {
    const ending = new AbortController()
    const own = async () => {
      ending.abort()
      throw new Error('cut off')
    }
    await ownUntil({ signal: ending.signal, own, pause: async () => {} })
    expect(ending.signal.aborted).toBe(true)
  })

  test('only fenced becomes retryable; its cause is kept', () => {
    const fenced = new LogError('fenced', 'trainer-0')
    expect(takenOverAgain(fenced)).toMatchObject({ code: 'rebalancing', retryable: true, cause: fenced })
    const other = new Error('x')
    expect(takenOverAgain(other)).toBe(other)
  })
})
