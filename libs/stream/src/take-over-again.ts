/**
 * What an owner of a partition does when it is fenced: it tries again, and leaves the rest to the group.
 *
 * Fenced means that another has gone past what this process holds of the partition, as happens when the process stood still. The
 * group decides whose the partition is: if it stays here, its state is taken over anew; if not, the group takes it away. Ending the process
 * instead would take its other partitions away from it as well.
 */
import { LogError } from './errors.ts'
import { retryDelayMs } from './retry-delay.ts'

/** `fenced` as an error that is tried again; any other error as it is. */
export function takenOverAgain(error: unknown): unknown {
  return error instanceof LogError && error.code === 'fenced' ? new LogError('rebalancing', error.message, error) : error
}

export interface TakeOverOptions {
  readonly signal: AbortSignal
  /** Takes the partition over and works on it until the signal aborts; calls `onSuccess` when it got something done. */
  own(onSuccess: () => void): Promise<void>
  /** Resolves early when the signal aborts, and does not reject then. */
  pause(ms: number): Promise<void>
}

/**
 * Owns a partition until the signal aborts, over again after every error that passes; the pauses grow while nothing succeeds, and begin
 * anew once something did. Rejects with the first error that does not pass.
 */
export async function ownUntil({ signal, own, pause }: TakeOverOptions): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    try {
      await own(() => {
        failures = 0
      })
    } catch (thrown) {
      if (signal.aborted) return
      const error = takenOverAgain(thrown)
      if (!(error instanceof LogError) || !error.retryable) throw error
      failures++
      await pause(retryDelayMs(failures))
    }
  }
}
