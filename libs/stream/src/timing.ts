/** Clock and waiting as an argument, so that a simulation can run the in-process log on virtual time. */

export interface Timing {
  /** Milliseconds since the epoch, for the timestamps of records. */
  epochMs(): number
  /** Milliseconds of a clock that never jumps. */
  monotonicMs(): number
  /** Resolves after the delay. 0 lets the other work of the event loop go first. */
  sleep(delayMs: number): Promise<void>
}

export const systemTiming: Timing = {
  epochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (delayMs) => new Promise((resolve) => (delayMs === 0 ? setImmediate(resolve) : setTimeout(resolve, delayMs))),
}
