/** From settings and files to the targets they mean. Pure. */
import { createHash } from 'node:crypto'
import type { ScrapeConfig, TargetGroup } from './scrape-settings.ts'

export interface Target {
  /** The same for the same job, address and labels. */
  readonly id: string
  readonly job: ScrapeConfig
  readonly url: string
  /** Put on every series: `job`, `instance` and those of its group. */
  readonly labels: Readonly<Record<string, string>>
}

/** Each target once, in the order of the groups. */
export function targetsOf(job: ScrapeConfig, groups: readonly TargetGroup[]): Target[] {
  const targets = new Map<string, Target>()
  for (const group of groups) {
    for (const address of group.targets) {
      const labels = { job: job.job_name, instance: address, ...group.labels }
      const url = `${job.scheme}://${address}${job.metrics_path}`
      const id = createHash('sha256')
        .update(JSON.stringify([url, Object.entries(labels).sort()]))
        .digest('hex')
      if (!targets.has(id)) targets.set(id, { id, job, url, labels })
    }
  }
  return [...targets.values()]
}

/** Of two lists of targets, by identity. */
export function changesOf(before: readonly Target[], after: readonly Target[]): { added: Target[]; removed: Target[] } {
  const known = new Set(before.map(({ id }) => id))
  const wanted = new Set(after.map(({ id }) => id))
  return { added: after.filter(({ id }) => !known.has(id)), removed: before.filter(({ id }) => !wanted.has(id)) }
}
