/** docs/metrics.md is held to what the services register, in both directions. */
import { expect, test } from 'vitest'
import { documentedMetrics } from '../testing/metrics-document.ts'
import { registeredMetrics } from '../testing/registered-metrics.ts'

const registered = await registeredMetrics()
const documented = documentedMetrics()
/** Those of the client library that only some systems have. */
const onLinux = /^process_(open_fds|max_fds|virtual_memory_bytes|heap_bytes)$/

const sentence = (name: string, type: string, labels: readonly string[]) => `${name} ${type} (${labels.toSorted().join(', ')})`

test.each([...registered.keys()])(
  'docs/metrics.md names every metric of the %s with type and labels, and no other',
  (service) => {
    const told = documented.filter(({ name, services }) => services.includes(service) && !onLinux.test(name))
    const found = [...registered.get(service)!].filter(([name]) => !onLinux.test(name))
    expect(told.map(({ name, type, labels }) => sentence(name, type, labels)).toSorted()).toEqual(
      found.map(([name, { type, labels }]) => sentence(name, type, labels)).toSorted(),
    )
  },
)

test('no metric has two descriptions, and each says its unit', () => {
  const names = documented.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(documented.filter(({ unit }) => unit === '')).toEqual([])
})

test('names follow the conventions of Prometheus', () => {
  const ours = documented.filter(({ name }) => name.startsWith('lapwing_'))
  expect(ours.filter(({ type, name }) => (type === 'counter') !== name.endsWith('_total'))).toEqual([])
  expect(ours.filter(({ type, name }) => type === 'histogram' && !/_(seconds|bytes)$/.test(name))).toEqual([])
})
