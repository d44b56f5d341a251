/** Which keys may stand where an unknown one does, for the person who mistyped one. */
import { z } from 'zod'

interface SchemaNode {
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly additionalProperties?: SchemaNode | boolean
}

/** Of the object in which the issue found a key that it does not know; none where that is one of several alternatives. */
export function knownKeys(schema: z.ZodType, { code, path }: Pick<z.core.$ZodIssue, 'code' | 'path'>): readonly string[] {
  if (code !== 'unrecognized_keys') return []
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as SchemaNode
  const node = path.reduce<SchemaNode | undefined>((at, key) => resolved(root, at && childOf(at, key)), resolved(root, root))
  return Object.keys(node?.properties ?? {})
}

function childOf({ properties = {}, items, additionalProperties }: SchemaNode, key: PropertyKey): SchemaNode | undefined {
  if (typeof key === 'number') return items
  if (Object.hasOwn(properties, key)) return properties[String(key)]
  return typeof additionalProperties === 'object' ? additionalProperties : undefined
}

/** What a reference such as `#/$defs/route` stands for: trees of routes refer to themselves. */
function resolved(root: SchemaNode, node: SchemaNode | undefined): SchemaNode | undefined {
  const names = node?.$ref?.split('/').slice(1)
  return names
    ? (names.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], root) as SchemaNode)
    : node
}
