import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { configuredQueries } from './configured-queries.ts'
import { readPreset } from './presets.ts'
import { presetNames, queryKeys, querySetting } from './query-settings.ts'

const schema = z.object(queryKeys)
const queriesOf = (choice: unknown) => configuredQueries(schema.parse(choice))

describe('configured queries', () => {
  test('a text is a query of its own, whatever stands around it', () => {
    const [alone] = queriesOf({ metrics: ['up'] })
    expect(alone).toMatchObject({ source: alone!.id, promql: 'up', origin: 'configuration' })
    expect(queriesOf({ metrics: ['node_load1', ' up ', 'up'] })).toEqual([
      expect.objectContaining({ promql: 'node_load1' }),
      alone,
    ])
  })

  test('a name is the source of its batches, and its progress belongs to its PromQL', () => {
    const [named] = queriesOf({ metrics: [{ name: 'shop:up', query: 'up', direction: 'down', min_deviation: 1 }] })
    const [plain] = queriesOf({ metrics: ['up'] })
    expect(named).toMatchObject({
      id: plain!.id,
      source: 'shop:up',
      policy: { direction: 'down', minDeviation: 1, minRelativeDeviation: 0 },
    })
  })

  test('the configuration wins over a preset of the same name or PromQL', () => {
    const preset = readPreset('node-exporter').queries
    const [first, second] = preset
    const queries = queriesOf({
      presets: ['node-exporter'],
      metrics: [
        { name: first!.name, query: 'node_load5' },
        { query: second!.query, min_deviation: 7 },
      ],
    })
    expect(queries).toHaveLength(preset.length)
    expect(queries.filter(({ name }) => name === first!.name)).toMatchObject([{ promql: 'node_load5', origin: 'configuration' }])
    expect(queries.filter(({ promql }) => promql === second!.query)).toMatchObject([{ policy: { minDeviation: 7 } }])
  })

  test('nothing chosen is the machine and what is labelled to be watched; an empty list is nothing', () => {
    expect(queriesOf({})).toEqual(queriesOf({ presets: ['node-exporter', 'anomaly-name'] }))
    expect(queriesOf({}).length).toBeGreaterThan(1)
    expect(queriesOf({ metrics: [] })).toEqual([])
  })

  test('scraped samples are refused for anything but a selector', () => {
    expect(() => querySetting.parse({ query: 'sum(up)', samples: 'scraped' })).toThrow(/one selector/)
    expect(querySetting.parse({ query: 'up', samples: 'scraped' }).samples).toBe('scraped')
  })
})

describe('presets', () => {
  test('every file is a preset that can be named, and the other way round', () => {
    const files = readdirSync(new URL('../presets/', import.meta.url)).map((file) => file.replace('.yaml', ''))
    expect(files.sort()).toEqual([...presetNames].sort())
  })

  test('every query of known metrics says in which unit it is and from which deviation on it matters', () => {
    const known = presetNames.filter((preset) => preset !== 'anomaly-name').flatMap((preset) => readPreset(preset).queries)
    const vague = known.filter((query) => !query.unit || !(query.min_deviation > 0 || query.min_relative_deviation > 0))
    expect(vague.map(({ name }) => name)).toEqual([])
  })

  test('every query has a name of its own, over all presets', () => {
    const names = presetNames.flatMap((preset) => readPreset(preset).queries.map(({ name }) => name))
    expect(names).not.toContain(undefined)
    expect(new Set(names).size).toBe(names.length)
  })
})
