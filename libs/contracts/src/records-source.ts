/**
 * TypeScript types from the Avro schemas, as text. The schemas are the truth; the types are derived, so that the two cannot
 * drift apart unseen.
 */
import { currentVersion, type RecordName, readSchema, recordSchemas } from './schemas.ts'

type AvroType =
  | string
  | AvroType[]
  | { type: string; name?: string; doc?: string; items?: AvroType; symbols?: string[]; fields?: Field[] }
interface Field {
  name: string
  type: AvroType
  doc?: string
}

/** The whole text of `records.ts`. */
export function recordsSource(): string {
  const declarations = new Map<string, string>()
  for (const name of Object.keys(recordSchemas) as RecordName[]) {
    typeOf(readSchema(currentVersion(name).file) as AvroType, declarations)
  }
  const header = '/** Types of the records on the log. Generated from the schemas by `generate-records.ts`; do not edit. */\n'
  return `${header}\n${[...declarations.values()].join('\n')}`
}

function typeOf(type: AvroType, declarations: Map<string, string>): string {
  if (Array.isArray(type)) return type.map((member) => typeOf(member, declarations)).join(' | ')
  if (typeof type === 'string') return primitives[type] ?? type
  if (type.type === 'array') return `readonly ${typeOf(type.items as AvroType, declarations)}[]`
  const name = type.name as string
  if (!declarations.has(name)) declare(name, type, declarations)
  return name
}

const primitives: Record<string, string> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  string: 'string',
  bytes: 'Buffer',
}

function declare(name: string, type: Exclude<AvroType, string | AvroType[]>, declarations: Map<string, string>): void {
  const doc = type.doc ? `/** ${type.doc} */\n` : ''
  if (type.type === 'enum') {
    declarations.set(name, `${doc}export type ${name} = ${type.symbols?.map((symbol) => `'${symbol}'`).join(' | ')}\n`)
    return
  }
  declarations.set(name, '')
  const fields = (type.fields ?? []).map(
    (field) => `  /** ${field.doc} */\n  readonly ${field.name}: ${typeOf(field.type, declarations)}\n`,
  )
  declarations.delete(name)
  declarations.set(name, `${doc}export interface ${name} {\n${fields.join('')}}\n`)
}
