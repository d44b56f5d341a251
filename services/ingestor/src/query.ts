/** A configured query and the partition of `ingest-state` that holds its progress. */
import { partitionOf } from '@lapwing/contracts/series'
import type { ConfiguredQuery } from '@lapwing/queries/configured-queries'

export interface Query extends ConfiguredQuery {
  /** Whoever owns it polls the query. */
  readonly partition: number
}

/** Spreads the queries over the partitions, by what identifies them. */
export function placeQueries(queries: readonly ConfiguredQuery[], partitions: number): Query[] {
  return queries.map((query) => ({ ...query, partition: partitionOf(Buffer.from(query.id.slice(6), 'hex'), partitions) }))
}
