/** PromQL in files of ours: which metrics an expression reads. */
import { parser } from '@prometheus-io/lezer-promql'

/** Names of the metrics that an expression selects, without duplicates. Throws when it does not parse. */
export function metricsIn(expression: string): string[] {
  const names = new Set<string>()
  parser.parse(expression).iterate({
    enter: ({ name, from, to, type }) => {
      if (type.isError) throw new SyntaxError(`does not parse at ${from}: ${expression}`)
      if (name === 'Identifier') names.add(expression.slice(from, to))
    },
  })
  return [...names]
}

/** Of a series of a histogram or a summary, the metric that it belongs to. */
export function familyOf(metric: string, known: ReadonlySet<string>): string {
  const family = metric.replace(/_(bucket|sum|count)$/, '')
  return known.has(metric) || !known.has(family) ? metric : family
}
