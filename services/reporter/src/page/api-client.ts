/** Requests of the page to its service. */

/** An answer that is none: the status, and what the service says of it. */
export class RequestProblem extends Error {
  readonly status: number
  /** Of an expression: where it is wrong, in characters from its beginning. */
  readonly position: number | undefined
  constructor(status: number, message: string, position?: number) {
    super(message)
    this.status = status
    this.position = position
  }
}

/** undefined for 404, because what was looked at may have ended. Rejects with a RequestProblem. */
export async function get<Body>(path: string): Promise<Body | undefined> {
  const response = await fetch(`/api/v1/${path}`)
  if (response.status === 404) return undefined
  if (!response.ok) throw await problemOf(response)
  return (await response.json()) as Body
}

/** Rejects with a RequestProblem. */
export async function post<Body>(path: string, body: object): Promise<Body> {
  const response = await fetch(`/api/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw await problemOf(response)
  return (response.status === 204 ? undefined : await response.json()) as Body
}

async function problemOf(response: Response): Promise<RequestProblem> {
  const body = (await response.json().catch(() => ({}))) as { readonly error?: string; readonly position?: number | null }
  return new RequestProblem(response.status, body.error ?? `the service answered ${response.status}`, body.position ?? undefined)
}
