/** Where in the configuration secrets may stand: `section.key`, with `[]` for the elements of a list. */
import { z } from 'zod'

interface Node {
  readonly $ref?: string
  readonly writeOnly?: boolean
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly anyOf?: readonly Node[]
  readonly allOf?: readonly Node[]
  readonly oneOf?: readonly Node[]
}

/** By the schemas themselves. */
export function secretPlaces(sections: Readonly<Record<string, z.ZodType>>): string[] {
  const places = Object.entries(sections).flatMap(([name, schema]) => {
    const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node & { $defs?: Record<string, Node> }
    return below(root, name, root.$defs ?? {}, [])
  })
  return [...new Set(places)]
}

function below(node: Node, place: string, definitions: Readonly<Record<string, Node>>, within: readonly string[]): string[] {
  if (node.$ref !== undefined) {
    const name = node.$ref.split('/').at(-1)!
    const definition = definitions[name]
    // A route within a route has no other secrets than a route.
    return definition && !within.includes(name) ? below(definition, place, definitions, [...within, name]) : []
  }
  const deeper = (child: Node, at: string) => below(child, at, definitions, within)
  return [
    ...(node.writeOnly ? [place] : []),
    ...Object.entries(node.properties ?? {}).flatMap(([key, child]) => deeper(child, `${place}.${key}`)),
    ...(node.items ? deeper(node.items, `${place}[]`) : []),
    ...[node.anyOf, node.allOf, node.oneOf].flatMap((choices) => choices?.flatMap((child) => deeper(child, place)) ?? []),
  ]
}

/** Places of texts with this in them. */
export function textPlaces(value: unknown, wanted: string, place = ''): string[] {
  if (typeof value === 'string') return value.includes(wanted) ? [place] : []
  if (Array.isArray(value)) return value.flatMap((one) => textPlaces(one, wanted, `${place}[]`))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => textPlaces(one, wanted, place ? `${place}.${key}` : key))
}
