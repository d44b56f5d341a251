/** Shown instead of the page while the service wants a token. It is handed in once and kept in a cookie that this page cannot read. */
import { useState } from 'preact/hooks'
import { post } from './api-client.ts'
import { OutcomeText } from './outcome-text.tsx'
import { useRequest } from './use-request.ts'

export function TokenForm() {
  const [token, setToken] = useState('')
  const request = useRequest()
  const handIn = (event: Event) => {
    event.preventDefault()
    request.start(async () => {
      await post('session', { token })
      location.reload()
      return ''
    })
  }
  return (
    <main class="page empty">
      <form class="token" onSubmit={handIn}>
        <h1>A token is needed</h1>
        <p class="muted">
          One of <code>reporter.tokens</code>, see the configuration.
        </p>
        <input type="text" name="username" autocomplete="username" value="lapwing" readOnly hidden />
        <p class="fields">
          <label>
            token{' '}
            <input
              type="password"
              autocomplete="current-password"
              value={token}
              onInput={(event) => setToken(event.currentTarget.value)}
            />
          </label>
          <button type="submit" class="action" disabled={token === '' || request.isBusy}>
            Go on
          </button>
        </p>
        <OutcomeText request={request} />
      </form>
    </main>
  )
}
