/**
 * Tells a member of a group that is stuck from an outage: how long the log has answered while the member heard nothing.
 *
 * Counted from the first answer and not from the last thing heard: after an outage a group needs time to find together again, and a member that is ended the
 * moment the log is back turns every long outage into a restart.
 */
export class AnsweredSilence {
  #sinceMs: number | undefined

  heard(): void {
    this.#sinceMs = undefined
  }

  /** @param nowMs on a clock that only goes forward @returns milliseconds, 0 without an answer */
  lastsMs(answers: boolean, nowMs: number): number {
    if (!answers) this.#sinceMs = undefined
    else this.#sinceMs ??= nowMs
    return this.#sinceMs === undefined ? 0 : nowMs - this.#sinceMs
  }
}
