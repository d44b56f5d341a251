/**
 * What the text of an expression tells without a Prometheus: which metrics it reads as they are, and how the rate of a counter
 * is written in its place.
 *
 * Only Prometheus decides whether an expression is valid: other servers speak dialects, so what cannot be parsed here is no
 * mistake, it merely tells nothing.
 *
 * Source of the grammar: @prometheus-io/lezer-promql, the parser of Prometheus' own query page.
 */
import type { SyntaxNode } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'

/** A metric read as it is, outside of any range such as `[5m]`. */
interface InstantSelector {
  /** Name of the metric; undefined when it is chosen by labels alone. */
  readonly metric: string | undefined
  /** Where the selector itself ends, before any offset. */
  readonly selectorEnd: number
  /** Extent with its offset. */
  readonly from: number
  readonly to: number
}

/** Metrics that the expression reads outside of a range, by name, each once. */
export function instantMetrics(promql: string): string[] {
  const names = new Set<string>()
  parser.parse(promql).iterate({
    enter: (node) => {
      if (countsOrTimes(node.node, promql)) return false
      if (node.name === 'MatrixSelector' || node.name === 'SubqueryExpr') return false
      if (node.name !== 'VectorSelector') return undefined
      const name = metricOf(node.node, promql)
      if (name) names.add(name)
      return false
    },
  })
  return [...names]
}

/** Whether the expression is one selector and nothing else, such as `up{job="shop"}`: only its raw samples can be asked for. */
export function isPlainSelector(promql: string): boolean {
  return outermost(promql)?.name === 'VectorSelector'
}

/** The metric that is the expression, or the one it adds up, averages or bounds; undefined for any other expression. */
export function ratedMetric(promql: string): string | undefined {
  return rateable(promql)?.metric
}

/** The expression over the rate of its metric. Only for an expression that `ratedMetric` knows; undefined otherwise. */
export function withRate(promql: string, window: string): string | undefined {
  const selector = rateable(promql)
  if (!selector) return undefined
  const { from, selectorEnd, to } = selector
  return `${promql.slice(0, from)}rate(${promql.slice(from, selectorEnd)}[${window}]${promql.slice(selectorEnd, to)})${promql.slice(to)}`
}

/** A count of series, their time of last sample and their absence mean the same for a counter as for a gauge. */
function countsOrTimes(node: SyntaxNode, promql: string): boolean {
  if (node.name !== 'FunctionCall' && node.name !== 'AggregateExpr') return false
  return /^(count|group|count_values|timestamp|absent)\b/.test(promql.slice(node.from, node.to))
}

function rateable(promql: string): InstantSelector | undefined {
  let node = outermost(promql)
  while (node && node.name === 'AggregateExpr') {
    if (!/^(sum|avg|min|max)\b/.test(promql.slice(node.from, node.to))) return undefined
    node = unwrapped(node.getChild('FunctionCallBody')?.firstChild)
  }
  const offset = node?.name === 'OffsetExpr' ? node : undefined
  const selector = offset ? offset.getChild('VectorSelector') : node
  if (selector?.name !== 'VectorSelector') return undefined
  const { from, to } = offset ?? selector
  return { metric: metricOf(selector, promql), selectorEnd: selector.to, from, to }
}

function outermost(promql: string): SyntaxNode | undefined {
  const { topNode } = parser.parse(promql)
  const { firstChild, lastChild } = topNode
  const isWhole = firstChild !== null && firstChild.from === lastChild?.from && !hasErrors(topNode)
  return isWhole ? unwrapped(firstChild) : undefined
}

function unwrapped(node: SyntaxNode | null | undefined): SyntaxNode | undefined {
  let inner = node
  while (inner?.name === 'ParenExpr') inner = inner.firstChild?.nextSibling ?? inner.firstChild
  return inner ?? undefined
}

function hasErrors(node: SyntaxNode): boolean {
  let found = false
  node.cursor().iterate((at) => {
    found ||= at.type.isError
  })
  return found
}

function metricOf(selector: SyntaxNode, promql: string): string | undefined {
  const identifier = selector.getChild('Identifier')
  return identifier ? promql.slice(identifier.from, identifier.to) : undefined
}
