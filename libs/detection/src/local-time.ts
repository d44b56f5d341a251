/** Hours and days as people live them: the place in the local week of a time, for one time zone. */

const dayMs = 86_400_000
const quarterMs = 900_000
/** The epoch began on a Thursday. */
const mondayMs = 4 * dayMs

/**
 * A function from milliseconds since the epoch to the quarter of an hour of the local week: 0 is Monday 00:00, 671.99 the end of
 * Sunday. Daylight saving is followed. Throws a RangeError when the zone is unknown.
 */
export function localWeek(timeZone: string): (timestampMs: number) => number {
  const offsetAt = offsetReader(timeZone)
  let knownDay = Number.NaN
  let offsetMs = 0
  let changesToday = false
  return (timestampMs) => {
    const day = Math.floor(timestampMs / dayMs)
    if (day !== knownDay || changesToday) {
      knownDay = day
      offsetMs = offsetAt(timestampMs)
      changesToday = offsetAt(day * dayMs) !== offsetAt((day + 1) * dayMs)
    }
    const inWeekMs = (timestampMs + offsetMs - mondayMs) % (7 * dayMs)
    return (inWeekMs < 0 ? inWeekMs + 7 * dayMs : inWeekMs) / quarterMs
  }
}

/** Milliseconds that local time is ahead of UTC. */
function offsetReader(timeZone: string): (timestampMs: number) => number {
  if (timeZone === 'UTC') return () => 0
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return (timestampMs) => {
    const parts = Object.fromEntries(format.formatToParts(timestampMs).map(({ type, value }) => [type, Number(value)]))
    const localMs = Date.UTC(parts.year!, parts.month! - 1, parts.day!, parts.hour!, parts.minute!, parts.second!)
    return localMs - Math.floor(timestampMs / 1000) * 1000
  }
}
