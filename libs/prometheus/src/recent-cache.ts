/**
 * A bounded map that keeps what was used recently: two generations, of which the older one is dropped when the younger is full.
 *
 * Cheaper than a list of uses: a hit in the younger generation costs one look-up and moves nothing. Holds at most twice the
 * limit, and never loses an entry that was used within the last `limit` different ones.
 */
export interface RecentCache<Value> {
  /** How often the older generation was dropped: what was got or set since the last time is in the younger one. */
  readonly generation: number
  get(key: string): Value | undefined
  set(key: string, value: Value): void
}

export function createRecentCache<Value>(limit: number): RecentCache<Value> {
  let young = new Map<string, Value>()
  let old = new Map<string, Value>()
  let generation = 0
  const set = (key: string, value: Value) => {
    if (young.size >= limit) {
      old = young
      young = new Map()
      generation++
    }
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
