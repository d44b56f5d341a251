/** `lapwing kube cronjob`. */
import type { V1CronJob } from '@kubernetes/client-node'
import { textTable } from '../terminal/text-table.ts'
import { UserError } from '../user-error.ts'
import type { Cluster, Manifest } from './cluster.ts'

export async function listCronJobs(cluster: Cluster): Promise<void> {
  const jobs = (await cluster.list('batch/v1', 'CronJob', 'app.kubernetes.io/part-of=lapwing')) as unknown as V1CronJob[]
  const rows = jobs.map(({ metadata, spec, status }) => [
    metadata?.name ?? '',
    `${spec?.schedule} ${spec?.timeZone ?? ''}`.trim(),
    spec?.suspend ? 'suspended' : 'on',
    status?.lastSuccessfulTime ? new Date(status.lastSuccessfulTime).toISOString() : 'never',
  ])
  const headings = ['name', 'schedule', 'state', 'last success'].map((heading) => ({ heading, align: 'left' as const }))
  cluster.write(rows.length > 0 ? textTable(headings, rows) : `no CronJobs of Lapwing in ${cluster.namespace}\n`)
}

/** Rejects with a UserError when there is none of that name. */
export async function changeCronJob(
  cluster: Cluster,
  change: 'run' | 'suspend' | 'resume',
  name: string,
  nowMs: number,
): Promise<void> {
  const found = await cluster.read({ apiVersion: 'batch/v1', kind: 'CronJob', name })
  if (!found) throw new UserError(`${name}: no CronJob of this name in ${cluster.namespace}`)
  if (change !== 'run') {
    const { apiVersion, kind } = found
    await cluster.merge({
      apiVersion,
      kind,
      metadata: { name, namespace: cluster.namespace },
      spec: { suspend: change === 'suspend' },
    })
    cluster.write(`${name}: ${change === 'suspend' ? 'suspended' : 'on'}\n`)
    return
  }
  const job = await cluster.create(jobOf(found as unknown as V1CronJob, cluster.namespace, nowMs))
  cluster.write(`Job ${job.metadata.name}: created\n`)
}

/** As the controller would make it, owned by the CronJob, so that it goes with it. */
export function jobOf({ metadata, spec }: V1CronJob, namespace: string, nowMs: number): Manifest {
  const name = `${metadata!.name!.slice(0, 45)}-${Math.floor(nowMs / 1000).toString(36)}`
  const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name: metadata!.name!, uid: metadata!.uid!, controller: true }
  const template = spec!.jobTemplate
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace, labels: template.metadata?.labels ?? {}, ownerReferences: [owner] },
    spec: template.spec,
  } as unknown as Manifest
}
