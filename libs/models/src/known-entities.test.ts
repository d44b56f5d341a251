import { decode, encode } from '@lapwing/contracts/codec'
import type { Model } from '@lapwing/contracts/records'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { entitiesMax, type KnownEntities, lookAgain, nothingKnown } from './known-entities.ts'
import { emptyModel, knownRecord, ModelRegistry } from './registry.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const scopeOf = (digit: string) => `entity:${digit.repeat(32)}`
const [a, b] = [scopeOf('a'), scopeOf('b')]

const versionOf = (scope: string, state: Model['state'] = 'promoted', createdAtMs = 1000 * hourMs): Model => ({
  ...emptyModel,
  ...{ modelId: `${scope}/${state}`, scope, state, createdAtMs },
})

/** Looks at these hours of the samples, each with the scopes that something came of; all that was gone, with its hour. */
function lookAt(
  looks: readonly (readonly [hour: number, ...seen: string[]])[],
  versions = [versionOf(a), versionOf(b)],
  { forgetAfterDays = 14, goneMax = Number.POSITIVE_INFINITY } = {},
) {
  let known: KnownEntities = nothingKnown
  const went: [scope: string, hour: number][] = []
  let left = versions
  for (const [hour, ...seen] of looks) {
    const look = { lookedMs: hour, atMs: hour * hourMs, nextOffset: hour, isSeen: (scope: string) => seen.includes(scope) }
    const looked = lookAgain(known, left, look, { forgetAfterMs: forgetAfterDays * dayMs, goneMax })
    known = looked.known
    for (const scope of looked.gone) went.push([scope, hour])
    left = left.filter(({ scope }) => !looked.gone.has(scope))
  }
  return { known, went }
}

const hours = (from: number, to: number, ...seen: string[]) =>
  Array.from({ length: to - from }, (_, i) => [from + i, ...seen] as [number, ...string[]])

describe('an entity with models', () => {
  test('is gone a day after its last sample, as of the look before; after as long as it was known; after the longest time', () => {
    const from = 10_000
    const created = versionOf(b, 'promoted', from * hourMs)
    const wentAfter = (knownDays: number) => {
      const last = from + knownDays * 24
      const looks = [...hours(from, last + 1, a, b), ...hours(last + 1, last + 500, a)]
      return lookAt(looks, [versionOf(a), created]).went.map(([scope, hour]) => [scope, hour - last])
    }
    // More than that many hours, and one look.
    expect(wentAfter(0.5)).toEqual([[b, 24 + 2]])
    expect(wentAfter(3)).toEqual([[b, 3 * 24 + 2]])
    expect(wentAfter(40)).toEqual([[b, 14 * 24 + 2]])
  })

  test('is known since its oldest version was asked for; nothing that is there now is gone in the first day', () => {
    const { known, went } = lookAt(hours(1000, 1025), [versionOf(a, 'promoted', 900 * hourMs)])
    expect(went).toEqual([])
    expect(known.entities.get(a)).toEqual({ begunMs: 900 * hourMs, seenMs: 1000 * hourMs })
  })

  test('is not gone for a time in which nothing came at all, nor for a sample from the future', () => {
    expect(lookAt([...hours(1000, 1010, a, b), ...Array(50).fill([1009]), [1100, a], [1101, a, b]]).went).toEqual([])
    const { known, went } = lookAt([...hours(1000, 1010, a, b), [99_999], ...hours(1010, 1020, a, b)])
    expect(went).toEqual([])
    expect(known.entities.get(a)!.seenMs).toBe(99_999 * hourMs)
  })

  test.each(['requested', 'trained', 'validated'] as const)('stays while one of its versions is %s', (state) => {
    const looks = [...hours(1000, 1002, a, b), ...hours(1002, 1100, a)]
    expect(lookAt(looks, [versionOf(a), versionOf(b), versionOf(b, state)]).went).toEqual([])
  })

  test.each(['shadow', 'rejected', 'rolled_back'] as const)('goes with one that is %s', (state) => {
    expect(lookAt([...hours(1000, 1002, a, b), ...hours(1002, 1100, a)], [versionOf(a), versionOf(b, state)]).went).toEqual([
      [b, 1027],
    ])
  })

  test('waits for a later look when many are gone at once', () => {
    const looks = [...hours(1000, 1002, a, b), ...hours(1002, 1100)]
    expect(lookAt(looks, undefined, { goneMax: 1 }).went).toEqual([
      [a, 1027],
      [b, 1028],
    ])
  })

  test('is not known beyond the limit, so that the record of all stays below half of what a broker takes', () => {
    const scopes = Array.from({ length: entitiesMax + 1 }, (_, i) => `entity:${String(i).padStart(32, '0')}`)
    const { known } = lookAt(
      hours(1000, 1003, ...scopes),
      scopes.map((scope) => versionOf(scope)),
    )
    expect(known.entities.size).toBe(entitiesMax)
    expect(encode('Model', knownRecord(known)).length).toBeLessThan(600_000)
  })

  test('is never gone while something comes of it at least once a day', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 23 }), { maxLength: 60 })
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 14 }), (pauses, forgetAfterDays) => {
        const looks = pauses.flatMap((pause, i) => {
          const from = 1000 + pauses.slice(0, i).reduce((sum, one) => sum + one, 0)
          return [...hours(from, from + pause - 1, b), [from + pause - 1, a, b] as [number, ...string[]]]
        })
        expect(lookAt(looks, undefined, { forgetAfterDays }).went).toEqual([])
      }),
    )
  })
})

describe('what is known of entities', () => {
  test('stands on the models topic beside the versions, and is none', () => {
    const { known } = lookAt(hours(1000, 1010, a))
    const written = { ...known, leftArtefacts: ['x.lwm'] }
    const registry = new ModelRegistry()
    expect(registry.known).toEqual(nothingKnown)
    const record = decode('Model', encode('Model', knownRecord(written)))
    registry.take({ key: Buffer.from(record.modelId), value: encode('Model', record) })
    expect(registry.known).toEqual(written)
    expect(registry.all()).toEqual([])
  })
})
