/** What differs between two states of an object, without what the server keeps for itself. */
import type { Manifest } from './cluster.ts'

export interface Change {
  /** `spec.replicas`. */
  readonly path: string
  /** JSON; `unset` where it was not there. */
  readonly from: string
  readonly to: string
}

/** In the order of their paths. Contents of Secrets are masked. */
export function changes(before: Manifest, after: Manifest): Change[] {
  const from = leaves(withoutBookkeeping(before))
  const to = leaves(withoutBookkeeping(after))
  const paths = [...new Set([...from.keys(), ...to.keys()])].sort()
  const isSecret = after.kind === 'Secret'
  const shown = (path: string, value: string | undefined) =>
    value === undefined ? 'unset' : isSecret && /^(data|stringData)\./.test(path) ? '[secret]' : value
  return paths
    .filter((path) => from.get(path) !== to.get(path))
    .map((path) => ({ path, from: shown(path, from.get(path)), to: shown(path, to.get(path)) }))
}

function withoutBookkeeping({ metadata, status, ...rest }: Manifest): object {
  const { managedFields, resourceVersion, uid, creationTimestamp, generation, ...kept } = metadata as unknown as Record<
    string,
    unknown
  >
  return { ...rest, metadata: kept }
}

function leaves(value: unknown, path = '', found = new Map<string, string>()): Map<string, string> {
  if (typeof value !== 'object' || value === null || value instanceof Date) return found.set(path, JSON.stringify(value))
  for (const [key, child] of Object.entries(value))
    leaves(child, Array.isArray(value) ? `${path}[${key}]` : path ? `${path}.${key}` : key, found)
  return found
}
