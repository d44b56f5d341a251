import { describe, expect, test } from 'vitest'
import { waitingFor } from './waiting-for.ts'

const healthy = {
  failing: [],
  troubles: [],
  seriesShown: 5,
  sampleRecords: undefined,
  scoreRecords: undefined,
  lagSeconds: 3,
  behindRecords: 0,
}
const empty = { ...healthy, seriesShown: 0, lagSeconds: null }

describe('what the page waits for', () => {
  test('nothing when samples come', () => {
    expect(waitingFor(healthy)).toEqual([])
  })

  test('the log comes before everything else', () => {
    expect(waitingFor({ ...empty, failing: ['log: the log does not answer'] })).toEqual([
      'this service is not ready: log: the log does not answer',
    ])
  })

  test('the first place in the pipeline that is empty', () => {
    expect(waitingFor(empty)[0]).toMatch(/^asking the log/)
    expect(waitingFor({ ...empty, sampleRecords: 0, scoreRecords: 0 })[0]).toMatch(/waiting for the ingestor/)
    expect(waitingFor({ ...empty, sampleRecords: 7, scoreRecords: 0 })[0]).toMatch(/7 records\): waiting for the detector/)
    expect(waitingFor({ ...empty, sampleRecords: 7, scoreRecords: 3 })[0]).toMatch(/^reading the log: 3/)
  })

  test('a query that fails is the reason, with the words of Prometheus; of several the first', () => {
    const trouble = { message: 'Prometheus refuses the query: unclosed left parenthesis' }
    expect(waitingFor({ ...healthy, troubles: [trouble] })).toEqual([
      'a polled query fails: Prometheus refuses the query: unclosed left parenthesis',
    ])
    expect(waitingFor({ ...empty, sampleRecords: 0, scoreRecords: 0, troubles: [trouble, trouble] })).toEqual([
      '2 polled queries fail, first: Prometheus refuses the query: unclosed left parenthesis',
      expect.stringMatching(/waiting for the ingestor/),
    ])
  })

  test('old samples while the log is being read are not silence', () => {
    expect(waitingFor({ ...healthy, lagSeconds: 900, behindRecords: 5000 })).toEqual(['reading the log: 5000 records to go'])
    expect(waitingFor({ ...healthy, lagSeconds: 900 })[0]).toMatch(/^no new sample for 15 min/)
    expect(waitingFor({ ...healthy, lagSeconds: 300 })).toEqual([])
  })
})
