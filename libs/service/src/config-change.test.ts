import { describe, expect, test } from 'vitest'
import { configChange, withLive } from './config-change.ts'

const before = { alerter: { port: 8084, route: { group_by: ['a'], group_wait: '1s' } }, detector: { window_minutes: 60 } }
const live = ['alerter.route', 'alerter.receivers']

describe('what changed', () => {
  const change = (after: object) => configChange(before, after as never, ['kafka', 'alerter'], live)

  test('is nothing when only the order of keys is another', () => {
    expect(change({ alerter: { route: { group_wait: '1s', group_by: ['a'] }, port: 8084 } })).toEqual({ live: [], restart: [] })
  })

  test('is told apart by what can come into force at once', () => {
    const after = { kafka: { brokers: ['b:1'] }, alerter: { port: 1, route: { group_by: ['b'] }, receivers: [{ name: 'db' }] } }
    expect(change(after)).toEqual({
      live: ['alerter.receivers', 'alerter.route'],
      restart: ['alerter.port', 'kafka.brokers'],
    })
  })

  test('counts what was taken out, in the sections that the process reads', () => {
    expect(change({})).toEqual({ live: ['alerter.route'], restart: ['alerter.port'] })
  })
})

test('a whole section of another can be taken', () => {
  const after = { alerter: { port: 1 }, detector: { window_minutes: 60 } }
  expect(configChange(before, after, ['alerter'], ['alerter.*'])).toEqual({
    live: ['alerter.port', 'alerter.route'],
    restart: [],
  })
  expect(withLive(before, after as never, ['alerter.*'])).toEqual(after)
})

test('only what can change now is taken from the new configuration', () => {
  const next = { alerter: { port: 1, route: { group_by: ['b'] } }, detector: { window_minutes: 5 } }
  expect(withLive(before, next as never, live)).toEqual({
    alerter: { port: 8084, route: { group_by: ['b'] } },
    detector: { window_minutes: 60 },
  })
})
