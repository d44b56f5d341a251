/** What came of a request, also for those who listen to the page. */
import type { Request } from './use-request.ts'

export function OutcomeText({ request: { text, hasFailed } }: { request: Request }) {
  return (
    <p class={`request ${hasFailed ? 'failed' : ''}`} role="status">
      {text}
    </p>
  )
}
