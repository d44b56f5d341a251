/** `lapwing kube apply`. */
import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { UserError } from '../user-error.ts'
import type { Cluster, Manifest } from './cluster.ts'
import { type Change, changes } from './object-changes.ts'

export interface ApplyOptions {
  readonly file: string
  readonly dryRun: boolean
  readonly force: boolean
}

/** One line for each object, and one for each change. Rejects with a UserError for a file that holds something else. */
export async function applyFile(cluster: Cluster, options: ApplyOptions): Promise<void> {
  const objects = readManifests(options.file)
  const counts = { created: 0, changed: 0, unchanged: 0 }
  const namespacesToCome = new Set<string>()
  for (const object of objects) {
    const { kind, metadata } = object
    const { outcome, note, differences } = await applyOne(cluster, object, options, namespacesToCome)
    counts[outcome]++
    if (options.dryRun && kind === 'Namespace' && outcome === 'created') namespacesToCome.add(metadata.name)
    cluster.write(`${kind} ${metadata.name}: ${outcome}${note}\n`)
    for (const { path, from, to } of differences) cluster.write(`  ${path}: ${from} -> ${to}\n`)
  }
  cluster.write(
    `${objects.length} objects: ${counts.created} created, ${counts.changed} changed, ${counts.unchanged} unchanged\n`,
  )
}

interface Applied {
  readonly outcome: 'created' | 'changed' | 'unchanged'
  readonly note: string
  readonly differences: readonly Change[]
}

async function applyOne(
  cluster: Cluster,
  object: Manifest,
  { dryRun, force }: ApplyOptions,
  namespacesToCome: ReadonlySet<string>,
): Promise<Applied> {
  const { apiVersion, kind, metadata } = object
  const namespace = metadata.namespace ?? cluster.namespace
  // The server refuses what is in a namespace that it does not have.
  if (namespacesToCome.has(namespace))
    return { outcome: 'created', note: ` (dry run, unchecked until the namespace ${namespace} is there)`, differences: [] }
  const before = await cluster.read({ apiVersion: apiVersion!, kind: kind!, name: metadata.name }, namespace)
  const after = await cluster.apply({ ...object, metadata: { ...metadata, namespace } }, { dryRun, force })
  const differences = before ? changes(before, after) : []
  const outcome = before ? (differences.length > 0 ? 'changed' : 'unchanged') : 'created'
  return { outcome, note: dryRun ? ' (dry run)' : '', differences }
}

function readManifests(file: string): Manifest[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new UserError(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  return parseAllDocuments(text).flatMap((document, index) => {
    if (document.errors[0]) throw new UserError(`${file}: ${document.errors[0].message}`)
    const object = document.toJSON() as Partial<Manifest> | null
    if (object === null) return []
    if (object.apiVersion && object.kind && object.metadata?.name) return [object as Manifest]
    throw new UserError(`${file}: document ${index + 1}: expected an object with apiVersion, kind and metadata.name`)
  })
}
