/** `lapwing queries list`: the configuration, read and told. */
import { configuredQueries } from '@lapwing/queries/configured-queries'
import { type ConfigFlags, readConfig } from '../start/all-config.ts'
import { jsonLine, textTable } from '../terminal/text-table.ts'

export function listQueries(flags: ConfigFlags & { readonly json: boolean }): string {
  const queries = configuredQueries(readConfig(flags).ingestor)
  if (flags.json) {
    return queries
      .map(({ name = null, origin, promql, samples, unit = null, policy }) => {
        const { direction, minDeviation, minRelativeDeviation } = policy
        return jsonLine({ name, origin, query: promql, samples, unit, direction, minDeviation, minRelativeDeviation })
      })
      .join('')
  }
  return textTable(
    [
      { heading: 'name', align: 'left', maxCharacters: 50 },
      { heading: 'from', align: 'left' },
      { heading: 'direction', align: 'left' },
      { heading: 'least deviation', align: 'right' },
      { heading: 'unit', align: 'left', maxCharacters: 24 },
      { heading: 'query', align: 'left', maxCharacters: 2000 },
    ],
    queries.map(({ name, origin, policy, unit, promql }) => [
      name ?? '-',
      origin,
      policy.direction,
      leastDeviation(policy),
      unit ?? '-',
      promql,
    ]),
  )
}

function leastDeviation({ minDeviation, minRelativeDeviation }: { minDeviation: number; minRelativeDeviation: number }): string {
  const parts = [
    ...(minDeviation > 0 ? [String(minDeviation)] : []),
    ...(minRelativeDeviation > 0 ? [`${Math.round(minRelativeDeviation * 100)} %`] : []),
  ]
  return parts.join(' and ') || '-'
}
