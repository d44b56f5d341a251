/** A configured query: its identity is its text, so that it keeps its progress when the list around it changes. */
import { createHash } from 'node:crypto'
import { partitionOf } from '@lapwing/contracts/series'

export interface Query {
  /** `query-` and 16 hexadecimal digits: source of its batches and key of its progress. */
  readonly id: string
  readonly promql: string
  /** Partition of `ingest-state` that holds its progress; whoever owns it polls the query. */
  readonly partition: number
}

/** The queries of these texts, each once. */
export function queriesOf(texts: readonly string[], partitions: number): Query[] {
  return [...new Set(texts)].map((promql) => {
    const hash = createHash('sha256').update(promql).digest()
    return { id: `query-${hash.toString('hex', 0, 8)}`, promql, partition: partitionOf(hash, partitions) }
  })
}
