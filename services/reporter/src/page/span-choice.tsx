/** For how long something shall hold: the same few spans wherever they can be chosen. */

export const spans = [
  ['1 h', 3_600_000],
  ['4 h', 4 * 3_600_000],
  ['1 d', 86_400_000],
  ['7 d', 7 * 86_400_000],
] as const

/** @param onChoose gets milliseconds */
export function SpanChoice({ label, valueMs, onChoose }: { label: string; valueMs: number; onChoose: (ms: number) => void }) {
  return (
    <label>
      {label}{' '}
      <select value={valueMs} onChange={(event) => onChoose(Number(event.currentTarget.value))}>
        {spans.map(([text, ms]) => (
          <option key={ms} value={ms}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
}
