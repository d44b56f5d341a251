/**
 * Writes golden bytes, the record they hold, and the schema's fingerprint for layouts that have none yet:
 * `pnpm --filter @lapwing/contracts golden`. Existing files are never touched: they are what an earlier release wrote.
 */
import { existsSync, writeFileSync } from 'node:fs'
import avro from 'avsc'
import { encode, type RecordTypes } from '../src/codec.ts'
import { type RecordName, readSchema, recordSchemas } from '../src/schemas.ts'

const examples: Record<string, (count: number) => unknown> = {
  boolean: () => true,
  int: (count) => count,
  long: (count) => 1_700_000_000_000 + count,
  double: (count) => count + 0.25,
  string: (count) => `text ${count} ä`,
  bytes: (count) => Buffer.from([count, 0, 255]),
}

for (const [name, { versions }] of Object.entries(recordSchemas)) {
  const { id, file } = versions.at(-1)!
  const base = new URL(`../test/golden/${name}.${id}`, import.meta.url).pathname
  if (existsSync(`${base}.bin`)) continue
  const type = avro.Type.forSchema(readSchema(file))
  const record = exampleOf(type, { count: 0 })
  writeFileSync(`${base}.bin`, encode(name as RecordName, record as RecordTypes[RecordName]))
  writeFileSync(
    `${base}.json`,
    `${JSON.stringify({ fingerprint: type.fingerprint('sha256').toString('hex'), record }, null, 2)}\n`,
  )
}

/** A value of the type in which no two numbers or texts are alike, so that swapped fields show. */
function exampleOf(type: avro.Type, counter: { count: number }): unknown {
  counter.count++
  if (avro.Type.isType(type, 'record')) {
    const { fields } = type as avro.types.RecordType
    return Object.fromEntries(fields.map((field) => [field.name, exampleOf(field.type, counter)]))
  }
  if (avro.Type.isType(type, 'array')) {
    const { itemsType } = type as avro.types.ArrayType
    return [exampleOf(itemsType, counter), exampleOf(itemsType, counter)]
  }
  if (avro.Type.isType(type, 'union')) return exampleOf((type as unknown as { types: avro.Type[] }).types.at(-1)!, counter)
  if (avro.Type.isType(type, 'enum')) return (type as avro.types.EnumType).symbols.at(-1)
  return examples[type.typeName]!(counter.count)
}
