/** The outcome of `lapwing queries check`, as a table for people and as lines for programs. */
import type { CheckedQuery } from '@lapwing/ingestor/check-queries'
import { QueryError } from '@lapwing/prometheus/query-errors'
import { type Column, jsonLine, textTable } from '../terminal/text-table.ts'

const columns: readonly Column[] = [
  { heading: 'query', align: 'left', maxCharacters: 60 },
  { heading: 'series', align: 'right' },
  { heading: 'sparse', align: 'right' },
  { heading: 'constant', align: 'right' },
  { heading: 'cost', align: 'right' },
  { heading: 'memory', align: 'right' },
  { heading: 'note', align: 'left', maxCharacters: 300 },
]

export function checkTable(checked: readonly CheckedQuery[], bytesPerSeries: number): string {
  return textTable(columns, [...checked.map((one) => row(one, bytesPerSeries)), totalRow(checked, bytesPerSeries)])
}

/** A line of JSON per query; shares are 0 to 1. */
export function checkLines(checked: readonly CheckedQuery[], bytesPerSeries: number): string {
  return checked
    .map(({ query, asked, countersWithoutRate, costMs, outcome }) => {
      const head = { name: query.name ?? null, origin: query.origin, query: query.promql, asked, countersWithoutRate }
      const cost = { costMs: Math.round(costMs) }
      if (outcome instanceof QueryError) return jsonLine({ ...head, ...cost, error: outcome.code, message: outcome.said })
      const { series, points, sparse, constant } = outcome
      const shares = { sparseShare: share(sparse, series), constantShare: share(constant, series) }
      return jsonLine({ ...head, ...cost, series, points, ...shares, memoryBytes: Math.round(series * bytesPerSeries) })
    })
    .join('')
}

function row({ query, asked, countersWithoutRate, costMs, outcome }: CheckedQuery, bytesPerSeries: number): string[] {
  const name = query.name ?? query.promql
  const cost = `${Math.round(costMs)} ms`
  if (outcome instanceof QueryError) return [name, 'FAILED', '', '', cost, '', outcome.said]
  const { series, sparse, constant } = outcome
  const notes = [
    ...(series === 0 ? ['no series'] : []),
    ...(asked === query.promql ? [] : [`a counter, polled as ${asked}`]),
    ...(countersWithoutRate.length === 0 ? [] : [`counter without rate: ${countersWithoutRate.join(', ')}`]),
  ]
  return [
    name,
    String(series),
    percent(sparse, series),
    percent(constant, series),
    cost,
    memory(series * bytesPerSeries),
    notes.join('; '),
  ]
}

function totalRow(checked: readonly CheckedQuery[], bytesPerSeries: number): string[] {
  let series = 0
  let failed = 0
  let costMs = 0
  for (const one of checked) {
    costMs += one.costMs
    if (one.outcome instanceof QueryError) failed++
    else series += one.outcome.series
  }
  const queries = `${checked.length} queries${failed > 0 ? `, ${failed} failed` : ''}`
  return [queries, String(series), '', '', `${Math.round(costMs)} ms`, memory(series * bytesPerSeries), '']
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${Math.round(share(part, whole) * 100)} %`
}

function memory(bytes: number): string {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}
