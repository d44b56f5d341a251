import type { V1CronJob, V1DeploymentCondition, V1Pod } from '@kubernetes/client-node'
import { describe, expect, test } from 'vitest'
import type { Manifest } from './cluster.ts'
import { jobOf } from './cron-jobs.ts'
import { deploymentRow } from './deployment-status.ts'
import { changes } from './object-changes.ts'
import { podRow } from './pod-status.ts'

describe('what is wrong with a pod', () => {
  const ready = { type: 'Ready', status: 'True' }
  const container = { name: 'detector', ready: true, restartCount: 0, image: '', imageID: '' }
  const pod = (status: V1Pod['status']): V1Pod => ({
    metadata: { name: 'lapwing-detector-1', labels: { 'app.kubernetes.io/component': 'detector' } },
    spec: { nodeName: 'node-1', containers: [] },
    status,
  })

  test('nothing', () => {
    expect(podRow(pod({ phase: 'Running', conditions: [ready], containerStatuses: [container] }))).toEqual({
      ...{ pod: 'lapwing-detector-1', component: 'detector', node: 'node-1', ready: true, restarts: 0, problems: [] },
    })
    expect(podRow(pod({ phase: 'Succeeded' })).problems).toEqual([])
  })

  test.each([
    ['evicted: low on memory', { phase: 'Failed', reason: 'Evicted', message: 'low on memory' }],
    [
      'cannot be placed: 0/3 nodes are available',
      { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes are available' }] },
    ],
    [
      'detector was ended for taking more memory than its limit',
      {
        phase: 'Running',
        containerStatuses: [{ ...container, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
      },
    ],
    [
      'detector ended with exit code 2',
      { phase: 'Running', containerStatuses: [{ ...container, state: { terminated: { exitCode: 2, reason: 'Error' } } }] },
    ],
    [
      'detector waits: ImagePullBackOff',
      { containerStatuses: [{ ...container, state: { waiting: { reason: 'ImagePullBackOff' } } }] },
    ],
    [
      'not ready (Running)',
      { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }], containerStatuses: [container] },
    ],
  ])('%s', (problem, status) => {
    expect(podRow(pod(status as V1Pod['status'])).problems).toEqual([problem])
  })

  test('restarts are those of all containers', () => {
    const twice = { ...container, restartCount: 2 }
    expect(podRow(pod({ conditions: [ready], containerStatuses: [twice], initContainerStatuses: [twice] })).restarts).toBe(4)
  })
})

describe('what is wrong with a Deployment', () => {
  const row = (
    replicas: number | undefined,
    readyReplicas: number | undefined,
    condition: Partial<V1DeploymentCondition> = {},
  ) => {
    const conditions = [condition as V1DeploymentCondition]
    const spec = { replicas, selector: {}, template: {} }
    return deploymentRow({ metadata: { name: 'lapwing-detector' }, spec, status: { readyReplicas, conditions } })
  }

  test('nothing when as many are ready as it is to have, none included', () => {
    expect(row(2, 2)).toEqual({ deployment: 'lapwing-detector', wanted: 2, ready: 2, problems: [] })
    expect(row(0, undefined)).toMatchObject({ wanted: 0, ready: 0, problems: [] })
  })

  test('too few, and why when the cluster says so', () => {
    expect(row(3, 1).problems).toEqual(['2 not ready'])
    expect(row(undefined, undefined).problems).toEqual(['1 not ready'])
    const refused = { type: 'ReplicaFailure', status: 'True', message: 'exceeded quota' }
    expect(row(3, 1, refused).problems).toEqual(['pods are not made: exceeded quota'])
    const stuck = { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }
    expect(row(3, 3, stuck).problems).toEqual(['does not get on: ProgressDeadlineExceeded'])
  })
})

describe('what differs between two states of an object', () => {
  const map = (data: object, metadata: object = {}) =>
    ({ kind: 'ConfigMap', metadata: { name: 'a', ...metadata }, data }) as unknown as Manifest

  test('is told by path, without what the server keeps for itself', () => {
    const before = map({ kept: '1', gone: '2' }, { resourceVersion: '1', managedFields: [] })
    const after = map({ kept: '3', come: '4' }, { resourceVersion: '2', labels: { x: 'y' } })
    expect(changes(before, after)).toEqual([
      { path: 'data.come', from: 'unset', to: '"4"' },
      { path: 'data.gone', from: '"2"', to: 'unset' },
      { path: 'data.kept', from: '"1"', to: '"3"' },
      { path: 'metadata.labels.x', from: 'unset', to: '"y"' },
    ])
  })

  test('never shows a secret', () => {
    const secret = (text: string) => ({ ...map({ key: text }), kind: 'Secret' }) as Manifest
    expect(changes(secret('b2xk'), secret('bmV3'))).toEqual([{ path: 'data.key', from: '[secret]', to: '[secret]' }])
  })
})

test('a job beside the schedule is what the CronJob makes, and goes with it', () => {
  const spec = { containers: [{ name: 'lapwing', args: ['report', 'daily'] }], restartPolicy: 'Never' }
  const cronJob = { metadata: { name: 'daily', uid: 'u' }, spec: { schedule: '', jobTemplate: { spec: { template: { spec } } } } }
  const job = jobOf(cronJob as V1CronJob, 'metrics', 1_767_225_600_000)
  expect(job).toMatchObject({
    kind: 'Job',
    metadata: { name: `daily-${(1_767_225_600).toString(36)}`, namespace: 'metrics', ownerReferences: [{ uid: 'u' }] },
    spec: { template: { spec } },
  })
})
