/**
 * The part of Grafana's HTTP API that Lapwing needs: health, folders, dashboards, annotations.
 *
 * Source: the OpenAPI document that Grafana publishes (`/public/openapi3.json` of any Grafana); the tests hold every request and answer to it.
 * Redirects are not followed, because credentials are for the server that was named.
 */
import { z } from 'zod'
import { GrafanaError, type GrafanaErrorCode } from './grafana-errors.ts'

/** Of a service account (a token), or of a user. */
export type GrafanaCredentials = { readonly token: string } | { readonly user: string; readonly password: string }

export interface GrafanaOptions {
  /** Address with its path, without a slash at the end: `https://grafana.example.com` or `https://example.com/grafana`. */
  readonly url: string
  readonly credentials: GrafanaCredentials
  /** For each request, 10 s unless said otherwise. */
  readonly timeoutMs?: number
}

/** A dashboard in Grafana's JSON; its `uid` is its identity. */
export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly [key: string]: unknown
}

export interface SavedDashboard {
  readonly uid: string
  /** Path of its page. */
  readonly url: string
  /** Counts up with each change. */
  readonly version: number
}

export interface Annotation {
  /** A region when `endMs` is given; milliseconds since the epoch. */
  readonly startMs: number
  readonly endMs?: number
  readonly text: string
  readonly tags: readonly string[]
  /** Only on this dashboard; else on all. */
  readonly dashboardUid?: string
}

/** Every call rejects with a GrafanaError. */
export interface GrafanaClient {
  health(): Promise<{ readonly version: string; readonly database: string }>
  /** Makes the folder when there is none of this uid; one that is there keeps its title. */
  ensureFolder(uid: string, title: string): Promise<void>
  /** undefined when there is none. */
  getDashboard(uid: string): Promise<{ readonly dashboard: Dashboard; readonly folderUid: string } | undefined>
  /** Whatever stands under its uid is replaced. */
  createOrUpdateDashboard(dashboard: Dashboard, folderUid: string, message: string): Promise<SavedDashboard>
  /** Its id. */
  addAnnotation(annotation: Annotation): Promise<number>
}

const healthAnswer = z.object({ version: z.string(), database: z.string() })
const savedAnswer = z.object({ uid: z.string(), url: z.string(), version: z.number() })
const dashboardAnswer = z.object({
  dashboard: z.looseObject({ uid: z.string(), title: z.string() }),
  meta: z.object({ folderUid: z.string().default('') }),
})
const annotationAnswer = z.object({ id: z.number() })

export function createGrafanaClient(options: GrafanaOptions): GrafanaClient {
  const ask = (method: 'GET' | 'POST', path: string, body?: object) => exchange(options, method, path, body)
  const expect = async <Answer>(schema: z.ZodType<Answer>, answer: Promise<Answered>) => accepted(schema, await answer)
  return {
    health: () => expect(healthAnswer, ask('GET', '/health')),
    ensureFolder: async (uid, title) => {
      const found = await ask('GET', `/folders/${encodeURIComponent(uid)}`)
      if (found.status === 404) refuseUnlessGood(await ask('POST', '/folders', { uid, title }))
      else refuseUnlessGood(found)
    },
    getDashboard: async (uid) => {
      const answer = await ask('GET', `/dashboards/uid/${encodeURIComponent(uid)}`)
      if (answer.status === 404) return undefined
      const { dashboard, meta } = accepted(dashboardAnswer, answer)
      return { dashboard, folderUid: meta.folderUid }
    },
    createOrUpdateDashboard: (dashboard, folderUid, message) =>
      expect(savedAnswer, ask('POST', '/dashboards/db', { dashboard, folderUid, message, overwrite: true })),
    addAnnotation: async ({ startMs, endMs, text, tags, dashboardUid }) => {
      const region = endMs === undefined ? {} : { timeEnd: endMs }
      const place = dashboardUid === undefined ? {} : { dashboardUID: dashboardUid }
      const body = { time: startMs, text, tags, ...region, ...place }
      return (await expect(annotationAnswer, ask('POST', '/annotations', body))).id
    },
  }
}

interface Answered {
  readonly status: number
  readonly text: string
}

const defaultTimeoutMs = 10_000

async function exchange(
  { url, credentials, timeoutMs = defaultTimeoutMs }: GrafanaOptions,
  method: string,
  path: string,
  body?: object,
) {
  try {
    const response = await fetch(`${url}/api${path}`, {
      method,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        accept: 'application/json',
        authorization: authorization(credentials),
        ...(body && { 'content-type': 'application/json' }),
      },
      body: body ? JSON.stringify(body) : null,
    })
    return { status: response.status, text: await response.text() }
  } catch (cause) {
    const isLate = cause instanceof DOMException && cause.name === 'TimeoutError'
    throw new GrafanaError(isLate ? 'timeout' : 'unreachable', isLate ? `${timeoutMs} ms` : causeOf(cause), cause)
  }
}

function authorization(credentials: GrafanaCredentials): string {
  if ('token' in credentials) return `Bearer ${credentials.token}`
  return `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`
}

function causeOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string } }
  return cause?.code ?? cause?.message ?? String(error)
}

function accepted<Answer>(schema: z.ZodType<Answer>, answer: Answered): Answer {
  refuseUnlessGood(answer)
  const parsed = schema.safeParse(jsonOf(answer.text))
  if (!parsed.success) throw new GrafanaError('not_grafana', z.prettifyError(parsed.error).slice(0, longestDetail))
  return parsed.data
}

/** Characters of an answer that are told. */
const longestDetail = 300

function refuseUnlessGood({ status, text }: Answered): void {
  if (status >= 200 && status < 300) return
  const said = (jsonOf(text) as { message?: string } | undefined)?.message ?? text
  throw new GrafanaError(codeOf(status), `${status} ${said}`.slice(0, longestDetail).trim())
}

function codeOf(status: number): GrafanaErrorCode {
  if (status === 401) return 'unauthorised'
  if (status === 403) return 'forbidden'
  if (status === 409 || status === 412) return 'conflict'
  if (status >= 500) return 'server_error'
  return status >= 400 ? 'refused' : 'not_grafana'
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
