import { describe, expect, test } from 'vitest'
import { EntityRows, type RowSink } from './entity-rows.ts'

function collecting() {
  const rows: unknown[] = []
  const sink: RowSink = { onRow: (atMs, row) => rows.push([atMs, ...row]), onGap: () => rows.push('gap') }
  return { rows, sink }
}

describe('rows of an entity', () => {
  test('are closed two steps on, take the last value of each channel, and wait for the second query', () => {
    const entity = new EntityRows(2, 10)
    const { rows, sink } = collecting()
    const take = (channel: number, atMs: number, value: number) => entity.take(channel, atMs, value, sink)
    take(0, 101, 1)
    take(0, 105, 2)
    take(0, 111, 3)
    take(1, 109, 4)
    expect(rows).toEqual([])
    take(0, 120, 5)
    expect(rows).toEqual([[100, 2, 4]])
    take(1, 108, 9)
    take(1, 130, 6)
    expect(rows.slice(1)).toEqual([[110, 3, Number.NaN]])
  })

  test('a short gap makes rows without values, a long one begins anew', () => {
    const entity = new EntityRows(1, 10)
    const { rows, sink } = collecting()
    for (const atMs of [0, 40, 5000, 5010, 5020]) entity.take(0, atMs, atMs, sink)
    expect(rows).toEqual([[0, 0], [10, Number.NaN], [20, Number.NaN], 'gap', [5000, 5000]])
  })

  test('go on from a snapshot as they would have', () => {
    const whole = collecting()
    const cut = collecting()
    const one = new EntityRows(1, 10)
    let two = new EntityRows(1, 10)
    for (let atMs = 0; atMs < 200; atMs += 7) {
      one.take(0, atMs, atMs, whole.sink)
      two.take(0, atMs, atMs, cut.sink)
      const next = new EntityRows(1, 10)
      next.restore(two.snapshot())
      two = next
    }
    expect(cut.rows).toEqual(whole.rows)
  })
})
