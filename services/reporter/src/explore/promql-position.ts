/**
 * Where in an expression Prometheus found a mistake: it says `2:7: parse error: …`, line and column from 1, the column in bytes. Pure.
 *
 * Source: Prometheus, promql/parser/parse.go, `ParseErr.Error`.
 */

/** Characters from the beginning of the expression; undefined when the message names no place in it. */
export function promqlPosition(promql: string, message: string): number | undefined {
  const [, line, column] = /(?:^|\D)(\d+):(\d+): parse error/.exec(message) ?? []
  const lines = promql.split('\n')
  const text = lines[Number(line) - 1]
  if (text === undefined) return undefined
  const before = Buffer.from(text)
    .subarray(0, Number(column) - 1)
    .toString()
  const start = lines.slice(0, Number(line) - 1).reduce((sum, one) => sum + one.length + 1, 0)
  return start + Math.min(before.length, text.length)
}
