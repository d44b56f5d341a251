/** Texts about an expression: where it is wrong, and how it is watched. Pure. */

/** The expression as far as the line with the mistake, and a caret under the place. */
export function underlined(promql: string, position: number): string {
  const before = promql.slice(0, position)
  const lineStart = before.lastIndexOf('\n') + 1
  const lineEnd = promql.indexOf('\n', position)
  const shown = promql.slice(0, lineEnd < 0 ? undefined : lineEnd)
  const indent = promql.slice(lineStart, position).replace(/[^\t]/g, ' ')
  return `${shown}\n${indent}^`
}

/** An entry for `metrics:` of the configuration. JSON is YAML, so no expression needs more thought. */
export function queryYaml(promql: string): string {
  return `metrics:\n  - ${JSON.stringify(promql)}`
}
