/** The JSON Schema of lapwing.yaml: what the services validate by, and the flat form beside it. */
import { flatKeys } from '@lapwing/service/config'
import { z } from 'zod'
import { allSections } from '../start/all-config.ts'

interface ObjectSchema {
  readonly properties: Readonly<Record<string, object>>
}

/** Draft 2020-12. */
export function configSchema(): object {
  const sections = Object.fromEntries(Object.entries(allSections).map(([name, schema]) => [name, sectionSchema(schema)]))
  const flat = Object.entries(flatKeys).map(([key, [section, place]]) => [key, sections[section]!.properties[place]!])
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of Lapwing',
    type: 'object',
    additionalProperties: false,
    properties: { ...sections, ...Object.fromEntries(flat) },
  }
}

/** What may be written; what a check of its own refuses beyond that, the schema does not know. */
export function sectionSchema(schema: z.ZodType): ObjectSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as ObjectSchema & {
    $schema?: string
  }
  return rest
}
