/** What the documentation says of settings is held to the schemas: every section, every key, no others. */
import { readFileSync } from 'node:fs'
import { flatKeys } from '@lapwing/service/config'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { allSections } from './start/all-config.ts'

const text = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')

/** Keys in the tables below each heading. */
const documented = new Map(
  text
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.split('\n')[0]!, [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key)]),
)

describe('docs/configuration.md', () => {
  test.each(Object.entries(allSections))('section %s names every key, and no other', (name, schema) => {
    const { properties } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as { properties: object }
    expect(documented.get(name)?.toSorted()).toEqual(Object.keys(properties).toSorted())
  })

  test('shows every key of the flat form, and where it belongs', () => {
    for (const [key, [section, place]] of Object.entries(flatKeys)) {
      expect(text).toMatch(new RegExp(`^${key}: `, 'm'))
      expect(text).toContain(`\`${section}.${place}\``)
    }
  })
})
