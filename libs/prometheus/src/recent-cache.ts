/**
 * A bounded map that keeps what was used recently: two generations, of which the older one is dropped when the younger is full.
 *
 * Cheaper than a list of uses: a hit in the younger generation costs one look-up and moves nothing. Holds at most twice the
 * limit, and never loses an entry that was used within the last `limit` different ones; a heavy entry counts as several.
 */
export interface RecentCache<Value> {
  /** How often the older generation was dropped: what was got or set since the last time is in the younger one. */
  readonly generation: number
  get(key: string): Value | undefined
  set(key: string, value: Value): void
}

/** @param weightOf of an entry, at least 1; the limit is of the weights of a generation together */
export function createRecentCache<Value>(limit: number, weightOf: (key: string) => number = () => 1): RecentCache<Value> {
  let young = new Map<string, Value>()
  let old = new Map<string, Value>()
  let weight = 0
  let generation = 0
  const set = (key: string, value: Value) => {
    if (weight >= limit) {
      old = young
      young = new Map()
      weight = 0
      generation++
    }
    if (!young.has(key)) weight += weightOf(key)
    young.set(key, value)
  }
  const get = (key: string) => {
    const found = young.get(key)
    if (found !== undefined) return found
    const older = old.get(key)
    if (older !== undefined) set(key, older)
    return older
  }
  return {
    get generation() {
      return generation
    },
    get,
    set,
  }
}
