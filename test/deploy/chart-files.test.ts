/** The files of the chart as far as they can be checked without Helm: the sets of values by the schema that Helm checks them with, and the version. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

const deploy = fileURLToPath(new URL('../../deploy/', import.meta.url))
const chart = join(deploy, 'helm/lapwing')
const read = (path: string) => readFileSync(path, 'utf8')

type Values = Readonly<Record<string, unknown>>

const validate = new Ajv({ allErrors: true, strict: false }).compile(JSON.parse(read(join(chart, 'values.schema.json'))))
const defaults: Values = parse(read(join(chart, 'values.yaml')))
const sets = [...readdirSync(join(chart, 'ci')).map((name) => join(chart, 'ci', name)), join(deploy, 'kubernetes/values.yaml')]

test('there are five sets of values and more', () => expect(sets.length).toBeGreaterThan(5))

test.each(sets)('the schema takes %s over the defaults', (set) => {
  validate(merged(defaults, parse(read(set))))
  expect(validate.errors ?? []).toEqual([])
})

test('the schema refuses what the chart does not know', () => {
  validate({ ...defaults, detektor: {} })
  expect(validate.errors).toMatchObject([{ keyword: 'additionalProperties', params: { additionalProperty: 'detektor' } }])
})

test('the chart has the version of the packages', () => {
  const { version } = JSON.parse(read(join(deploy, '../package.json')))
  expect(parse(read(join(chart, 'Chart.yaml')))).toMatchObject({ version, appVersion: version })
})

/** As Helm lays values over others: objects key by key, all else replaced. */
function merged(below: Values, above: Values): Values {
  const isObject = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value)
  const each = Object.entries(above).map(([key, value]) => {
    const under = below[key]
    return [key, isObject(under) && isObject(value) ? merged(under, value) : value]
  })
  return { ...below, ...Object.fromEntries(each) }
}
