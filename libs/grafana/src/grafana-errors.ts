/** How a request to Grafana can fail: what a person is told follows from the code. */
export const grafanaErrors = {
  unreachable: { retryable: true, message: 'Grafana cannot be reached' },
  timeout: { retryable: true, message: 'Grafana did not answer in time' },
  server_error: { retryable: true, message: 'Grafana failed' },
  unauthorised: { retryable: false, message: 'Grafana refuses these credentials' },
  forbidden: { retryable: false, message: 'these credentials may not do this; the service account needs the role Editor' },
  conflict: { retryable: false, message: 'somebody else has changed it' },
  refused: { retryable: false, message: 'Grafana refuses the request' },
  not_grafana: { retryable: false, message: 'the address does not answer as a Grafana does' },
} as const

export type GrafanaErrorCode = keyof typeof grafanaErrors

export class GrafanaError extends Error {
  readonly code: GrafanaErrorCode
  readonly retryable: boolean
  constructor(code: GrafanaErrorCode, detail = '', cause?: unknown) {
    super(`${grafanaErrors[code].message}${detail ? `: ${detail}` : ''}`, { cause })
    this.name = 'GrafanaError'
    this.code = code
    this.retryable = grafanaErrors[code].retryable
  }
}
