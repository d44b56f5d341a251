/** The labels under which scores and bands are given to a Prometheus: those of the series, and what made them. */
import type { LabelSet } from '@lapwing/contracts/series'

export interface ScoredBy {
  /** Query id of a poll, or remote-write. */
  readonly source: string
  readonly model: string
}

/** Ours come first; the same name in the series gets `exported_` before it, as in a scrape. undefined when two names become one. */
export function scoreLabels(labels: LabelSet, { source, model }: ScoredBy): Map<string, string> | undefined {
  const metric = labels.find(({ name }) => name === '__name__')?.value ?? ''
  const found = new Map(Object.entries({ metric, query: source, model }))
  for (const { name, value } of labels) {
    if (name === '__name__') continue
    const plain = name.replace(/^[^a-zA-Z_]|[^a-zA-Z0-9_]/g, '_')
    const free = ownLabels.has(plain) ? `exported_${plain}` : plain
    if (found.has(free)) return undefined
    found.set(free, value)
  }
  return found
}

const ownLabels = new Set(['metric', 'query', 'model'])
