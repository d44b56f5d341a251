/** Numbers, times and units as the page writes them. Pure; times are shown in the time zone of the reader. */

export type Unit = '' | 'bytes' | 'seconds' | 'ratio' | 'percent'

/**
 * The unit that a metric's name tells, by Prometheus' naming rules. A PromQL expression changes units (a rate of seconds is a
 * ratio), so of those only bytes are recognised.
 */
export function unitOf(metric: string): Unit {
  const name = metric.replace(/_total$/, '')
  if (/[^a-zA-Z0-9_:]/.test(name)) return /_bytes(_total)?\b/.test(name) ? 'bytes' : ''
  // How often something took so long is a number, whatever it is measured in.
  if (/_(count|bucket)$/.test(name)) return ''
  const suffix = /_(bytes|seconds|ratio|percent)(?:_[a-z0-9]+)?$/.exec(name)?.[1]
  return (suffix ?? '') as Unit
}

/** Three significant digits: `1.25 k`, `340 ms`, `2.1 GiB`, `12.5 %`; a dash where there is no number. */
export function formatValue(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–'
  const [divisor, symbol] = scaleOf(Math.abs(value), unit)
  return `${digits(value / divisor)}${symbol}`
}

/** Ticks of a value axis, with as many digits as their distance needs, all in the unit of the largest. */
export function formatTicks(ticks: readonly number[], unit: Unit): string[] {
  const largest = Math.max(...ticks.map(Math.abs))
  const [divisor, symbol] = scaleOf(largest, unit)
  const step = ticks.length > 1 ? Math.abs(ticks[1]! - ticks[0]!) / divisor : 1
  const decimals = Math.min(8, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))
  return ticks.map((tick) => `${(tick / divisor).toFixed(decimals)}${symbol}`)
}

/** `42 s`, `3 min`, `2 h 5 min`, `4 d 3 h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10 && seconds % 60 !== 0) return `${minutes} min ${seconds % 60} s`
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** `14:02:11`, with the date when it is not today's. */
export function formatTime(ms: number, nowMs: number): string {
  const at = new Date(ms)
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return at.toDateString() === new Date(nowMs).toDateString() ? clock : `${formatDay(at)} ${clock}`
}

/** Ticks of a time axis: as fine as their distance needs; midnight is written as the day. */
export function formatTick(ms: number, stepMs: number): string {
  const at = new Date(ms)
  if (at.getHours() === 0 && at.getMinutes() === 0 && at.getSeconds() === 0) return formatDay(at)
  const minute = `${two(at.getHours())}:${two(at.getMinutes())}`
  return stepMs < 60_000 ? `${minute}:${two(at.getSeconds())}` : minute
}

type Scale = readonly [divisor: number, symbol: string]

/** From the largest; the first that is not larger than the number is taken, the last for what is smaller than all. */
const scales: Readonly<Record<Unit, readonly Scale[]>> = {
  '': [
    [1e12, ' T'],
    [1e9, ' G'],
    [1e6, ' M'],
    [1e3, ' k'],
    [1, ''],
  ],
  bytes: [
    [2 ** 40, ' TiB'],
    [2 ** 30, ' GiB'],
    [2 ** 20, ' MiB'],
    [2 ** 10, ' KiB'],
    [1, ' B'],
  ],
  seconds: [
    [86_400, ' d'],
    [3600, ' h'],
    [1, ' s'],
    [1e-3, ' ms'],
    [1e-6, ' µs'],
  ],
  ratio: [[0.01, ' %']],
  percent: [[1, ' %']],
}

/** A plain number stays as it is up to 9,999, because `1020` is read faster than `1.02 k`; zero has no prefix. */
function scaleOf(size: number, unit: Unit): Scale {
  const candidates = scales[unit]
  if (size === 0) return unit === 'seconds' ? [1, ' s'] : candidates.at(-1)!
  if (unit === '' && size < 1e4) return [1, '']
  return candidates.find(([divisor]) => size >= divisor) ?? candidates.at(-1)!
}

function digits(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && size < 1e-3) return value.toExponential(1)
  if (size >= 100) return String(Math.round(value))
  return String(Number(value.toPrecision(3)))
}

function formatDay(at: Date): string {
  return at.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
