/** A request that a person starts with a button: whether it is under way, and what came of it in words. */
import { useState } from 'preact/hooks'

export interface Request {
  readonly isBusy: boolean
  /** Empty before the first. */
  readonly text: string
  readonly hasFailed: boolean
  start(action: () => Promise<string>): void
}

/** The text that an action resolves with is shown; of one that fails, its message. */
export function useRequest(): Request {
  const [state, setState] = useState({ isBusy: false, text: '', hasFailed: false })
  return {
    ...state,
    start: (action) => {
      setState({ isBusy: true, text: '', hasFailed: false })
      action().then(
        (text) => setState({ isBusy: false, text, hasFailed: false }),
        (error: unknown) =>
          setState({ isBusy: false, text: error instanceof Error ? error.message : String(error), hasFailed: true }),
      )
    },
  }
}
