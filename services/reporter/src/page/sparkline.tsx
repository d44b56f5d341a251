/** A series' newest values as a line of fixed size, drawn from its own lowest to its own highest value; gaps stay gaps. */
export function Sparkline({ values, anomalous }: { values: readonly (number | null)[]; anomalous: boolean }) {
  return (
    <svg
      class={anomalous ? 'sparkline anomalous' : 'sparkline'}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path d={linePath(values)} />
    </svg>
  )
}

const width = 88
const height = 26
const margin = 2

function linePath(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null)
  const lowest = Math.min(...known)
  const span = Math.max(...known) - lowest
  let path = ''
  let pen = 'M'
  values.forEach((value, i) => {
    if (value === null) {
      pen = 'M'
      return
    }
    const x = margin + (i / Math.max(1, values.length - 1)) * (width - 2 * margin)
    const share = span > 0 ? (value - lowest) / span : 0.5
    path += `${pen}${x.toFixed(1)} ${(height - margin - share * (height - 2 * margin)).toFixed(1)}`
    pen = 'L'
  })
  return path
}
