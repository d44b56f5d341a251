import { describe, expect, test } from 'vitest'
import { topicRow, topicTable } from './topic-row.ts'

const samples = topicRow('shop', 'samples', [
  { earliest: 5n, next: 12n },
  { earliest: 0n, next: 3n },
])
const alerterState = topicRow('shop', 'alert-state', undefined)

describe('a topic', () => {
  test('has the records between its earliest and its next offset, over all partitions', () => {
    expect(samples).toEqual({
      topic: 'shop.samples.v1',
      present: true,
      partitions: 2,
      records: 10,
      cleanup: 'delete',
      holds: ['SampleBatch'],
    })
  })

  test('that is absent has none', () => {
    expect(alerterState).toMatchObject({ topic: 'shop.alert-state.v1', present: false, partitions: 0, records: 0 })
  })
})

describe('the table', () => {
  test('shows what is there and says what is absent', () => {
    expect(topicTable([samples, alerterState]).split('\n')).toEqual([
      'topic                partitions  records  cleanup  holds',
      'shop.samples.v1               2       10  delete   SampleBatch',
      'shop.alert-state.v1      absent        -  compact  StateSnapshot, StateMarker',
      'Absent: 1 of 2 topics; the first service that starts creates them.',
      '',
    ])
  })

  test('says nothing of absence when all are there', () => {
    expect(topicTable([samples])).not.toContain('Absent')
  })
})
