/** Pods read configuration and secrets when they start: a changed annotation of their template replaces them, one by one. */
import type { Cluster } from './cluster.ts'

export interface Replacement {
  /** Selector of the Deployments. */
  readonly labels: string
  readonly annotation: string
  readonly value: string
}

export async function replacePods(cluster: Cluster, { labels, annotation, value }: Replacement): Promise<void> {
  for (const { metadata } of await cluster.list('apps/v1', 'Deployment', labels)) {
    await cluster.merge({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: metadata.name, namespace: cluster.namespace },
      spec: { template: { metadata: { annotations: { [annotation]: value } } } },
    })
    cluster.write(`Deployment ${metadata.name}: pods are replaced\n`)
  }
}
