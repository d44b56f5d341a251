/** `lapwing kube config`: lapwing.yaml as the cluster has it. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { checkConfig } from '../config/show-config.ts'
import { UserError } from '../user-error.ts'
import type { Cluster, Manifest } from './cluster.ts'
import { replacePods } from './replace-pods.ts'

/** Rejects with a UserError when there is no such ConfigMap. */
export async function showConfig(cluster: Cluster, name: string): Promise<void> {
  cluster.write(configOf(await readMap(cluster, name)))
}

/** Rejects with a ConfigError for a file that does not fit, before anything is changed. */
export async function setConfig(
  cluster: Cluster,
  { name, file }: { readonly name: string; readonly file: string },
): Promise<void> {
  // Only the file: what the environment of this machine says means nothing in the cluster.
  checkConfig({ config: file, set: [] }, {})
  const text = readFileSync(file, 'utf8')
  const map = await readMap(cluster, name)
  if (configOf(map) === text) return cluster.write(`ConfigMap ${name}: unchanged\n`)
  const metadata = { name, namespace: cluster.namespace }
  await cluster.merge({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'lapwing.yaml': text } })
  cluster.write(`ConfigMap ${name}: changed\n`)
  const hash = createHash('sha256').update(text).digest('hex')
  await replacePods(cluster, { labels: 'app.kubernetes.io/part-of=lapwing', annotation: 'checksum/config', value: hash })
}

async function readMap(cluster: Cluster, name: string): Promise<Manifest> {
  const map = await cluster.read({ apiVersion: 'v1', kind: 'ConfigMap', name })
  if (map) return map
  throw new UserError(`${name}: no ConfigMap of this name in ${cluster.namespace}; name another with --name`)
}

function configOf(map: Manifest): string {
  return (map.data as Record<string, string> | undefined)?.['lapwing.yaml'] ?? ''
}
