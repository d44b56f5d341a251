/**
 * So many a second, and so many more at once after a pause. What is taken may exceed what is there: the debt is worked off before more
 * is given. So a request larger than the bucket is not refused for ever, and one that is refused costs no decoding.
 */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #atMs = 0

  /** @param burst most that is given at once after a pause */
  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#tokens = burst
  }

  /** Milliseconds until something may be taken, 0 when it may be now. */
  waitMs(nowMs: number): number {
    this.#refill(nowMs)
    return this.#tokens > 0 ? 0 : Math.floor((-this.#tokens * 1000) / this.#perSecond) + 1
  }

  take(count: number, nowMs: number): void {
    this.#refill(nowMs)
    this.#tokens -= count
  }

  /** A clock that goes back gives nothing and takes nothing. */
  #refill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#atMs)
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsedMs * this.#perSecond) / 1000)
    this.#atMs = nowMs
  }
}
