/**
 * What a process that was taken over in a pod of Lapwing could do, by the manifests: every pod and every container is held to the profile `restricted` of
 * Kubernetes' Pod Security Standards, and beyond it to a root that cannot be written. That the chart renders these manifests is held by `chart.test.ts`.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'

interface Container {
  readonly name: string
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly resources?: { readonly limits?: Readonly<Record<string, string>> }
  readonly ports?: readonly { readonly hostPort?: number }[]
}

interface PodSpec {
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly volumes?: readonly Readonly<Record<string, unknown>>[]
  readonly [key: string]: unknown
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec?: {
    readonly template?: { readonly spec: PodSpec }
    readonly jobTemplate?: { readonly spec: { readonly template: { readonly spec: PodSpec } } }
  }
}

const text = readFileSync(new URL('../../deploy/kubernetes/lapwing.yaml', import.meta.url), 'utf8')
const manifests = parseAllDocuments(text).map((document) => document.toJS() as Manifest)
const pods = manifests.flatMap(({ kind, metadata, spec }) => {
  const pod = spec?.template?.spec ?? spec?.jobTemplate?.spec.template.spec
  return pod ? [{ name: `${kind} ${metadata.name}`, pod }] : []
})

/** Volumes that bring nothing of the node along. */
const harmless = ['name', 'configMap', 'secret', 'emptyDir', 'projected', 'persistentVolumeClaim']

test('there are pods of every service, and of jobs', () => {
  const names = pods.map(({ name }) => name)
  for (const service of ['ingestor', 'detector', 'trainer', 'drift', 'alerter', 'reporter'])
    expect(names.join()).toContain(`lapwing-${service}`)
  expect(names.filter((name) => name.startsWith('CronJob'))).not.toEqual([])
})

describe.each(pods)('the pod of $name', ({ pod }) => {
  test('belongs to nobody, has no token of the cluster and nothing of the node', () => {
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    })
    expect((pod.securityContext as { runAsUser: number }).runAsUser).toBeGreaterThan(10_000)
    for (const shared of ['hostNetwork', 'hostPID', 'hostIPC']) expect(pod[shared] ?? false).toBe(false)
    for (const volume of pod.volumes ?? []) expect(Object.keys(volume).filter((key) => !harmless.includes(key))).toEqual([])
  })

  test('has containers without privileges, on a root that cannot be written, within limits', () => {
    for (const { name, securityContext, resources, ports } of [...pod.containers, ...(pod.initContainers ?? [])]) {
      expect(securityContext, name).toMatchObject({
        ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
        capabilities: { drop: ['ALL'] },
      })
      expect(Object.keys(securityContext!.capabilities as object), name).toEqual(['drop'])
      for (const weaker of ['privileged', 'runAsUser', 'runAsNonRoot', 'seccompProfile', 'procMount'])
        expect(securityContext, name).not.toHaveProperty(weaker)
      expect(resources?.limits?.memory, name).toBeDefined()
      expect(
        (ports ?? []).filter(({ hostPort }) => hostPort !== undefined),
        name,
      ).toEqual([])
    }
  })
})
