/** `lapwing kube apply`. */
import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { UserError } from '../user-error.ts'
import type { Cluster, Manifest } from './cluster.ts'
import { changes } from './object-changes.ts'

export interface ApplyOptions {
  readonly file: string
  readonly dryRun: boolean
  readonly force: boolean
}

/** One line for each object, and one for each change. Rejects with a UserError for a file that holds something else. */
export async function applyFile(cluster: Cluster, { file, dryRun, force }: ApplyOptions): Promise<void> {
  const objects = readManifests(file)
  const counts = { created: 0, changed: 0, unchanged: 0 }
  for (const object of objects) {
    const { apiVersion, kind, metadata } = object
    const namespace = metadata.namespace ?? cluster.namespace
    const before = await cluster.read({ apiVersion: apiVersion!, kind: kind!, name: metadata.name }, namespace)
    const after = await cluster.apply({ ...object, metadata: { ...metadata, namespace } }, { dryRun, force })
    const differences = before ? changes(before, after) : []
    const outcome = before ? (differences.length > 0 ? 'changed' : 'unchanged') : 'created'
    counts[outcome]++
    cluster.write(`${kind} ${metadata.name}: ${outcome}${dryRun ? ' (dry run)' : ''}\n`)
    for (const { path, from, to } of differences) cluster.write(`  ${path}: ${from} -> ${to}\n`)
  }
  cluster.write(
    `${objects.length} objects: ${counts.created} created, ${counts.changed} changed, ${counts.unchanged} unchanged\n`,
  )
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
