/** docs/metrics.md as data: what a reader may rely on. */
import { readFileSync } from 'node:fs'

export interface DocumentedMetric {
  readonly name: string
  readonly type: string
  readonly labels: readonly string[]
  readonly unit: string
  /** Empty for the scores, which are not registered but written. */
  readonly services: readonly string[]
}

export function documentedMetrics(): DocumentedMetric[] {
  const text = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
  return text.split(/^## /m).slice(1).flatMap(metricsOf)
}

function metricsOf(section: string): DocumentedMetric[] {
  const services = section.match(/^.*\((.+)\)$/m)?.[1]?.split(', ') ?? []
  const hasLabels = section.includes('| metric | type | labels |')
  return [...section.matchAll(/^\| `((?:lapwing|nodejs|process)_\w+)` \|(.*)\|$/gm)].map(([, name, rest]) => {
    const [type, ...cells] = rest!.split('|').map((cell) => cell.trim())
    const labels = hasLabels ? [...cells.shift()!.matchAll(/`(\w+)`/g)].map(([, label]) => label!) : []
    return { name: name!, type: type!, labels, unit: cells[0]!, services }
  })
}
