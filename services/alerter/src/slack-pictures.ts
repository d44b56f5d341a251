/**
 * Puts a picture into a message that Slack has taken already.
 *
 * The message never waits for it: it is posted as text, and edited once Slack has the picture. Slack prepares a file after it has acknowledged it, and refuses
 * a message that shows it until then, so the edit is tried for some seconds. Whatever goes wrong leaves the message as it was. When the message changes
 * meanwhile, what is under way for its former state is given up.
 *
 * Source: Slack "files.getUploadURLExternal", "files.completeUploadExternal", "chat.update", "Block Kit: image block".
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type SlackMessage, withPicture } from '@lapwing/alerting/slack-message'
import type { Secret } from '@lapwing/service/config-fields'
import type { Logger } from 'pino'
import { z } from 'zod'

export interface SlackPictureOptions {
  /** Of the Web API, without a trailing slash. */
  readonly apiUrl: string
  readonly botToken: Secret
  readonly logger: Logger
}

/** Where a message is. */
export interface SlackPlace {
  /** Always an id. */
  readonly channel: string
  readonly ts: string
}

export interface Picture {
  /** What a screen reader says. */
  readonly altText: string
  /** As PNG; undefined when there is nothing to see. */
  draw(): Promise<Uint8Array | undefined>
}

export interface SlackPictures {
  /** Resolves when no former state of the message can be put into it any more. */
  giveUp(place: SlackPlace): Promise<void>
  /** Begins to put the picture into the message as it is now. */
  add(place: SlackPlace, message: SlackMessage, picture: Picture): void
  close(): void
}

interface Work {
  readonly cancel: AbortController
  /** While the message is being edited: an edit that was sent is not taken back. */
  editing: Promise<unknown>
}

const uploadTimeoutMs = 10_000
/** So long may the next state of a message wait for an edit of the last. */
const editTimeoutMs = 3000
/** Before each try; Slack says "invalid slack file" as long as it prepares it. */
const editPausesMs = [500, 1000, 2000, 4000, 8000]

export function createSlackPictures(options: SlackPictureOptions): SlackPictures {
  const works = new Map<string, Work>()
  let isOff = false
  const failed = (error: unknown) => {
    const detail = (error as Error).message
    if (!neverWithout.some((word) => detail.includes(word))) {
      options.logger.debug({ err: error }, `a message goes without its picture: ${detail}`)
      return
    }
    isOff = true
    options.logger.warn(
      {},
      `messages go without pictures until the next start: Slack says ${detail}; the app needs the scope files:write`,
    )
  }
  const add = (place: SlackPlace, message: SlackMessage, picture: Picture) => {
    if (isOff) return
    const work: Work = { cancel: new AbortController(), editing: Promise.resolve() }
    works.set(place.ts, work)
    void putIn(place, message, picture, work, options)
      .catch((error: unknown) => work.cancel.signal.aborted || failed(error))
      .finally(() => works.get(place.ts) === work && works.delete(place.ts))
  }
  return {
    giveUp: async ({ ts }) => {
      const work = works.get(ts)
      works.delete(ts)
      work?.cancel.abort()
      await work?.editing
    },
    add,
    close: () => {
      for (const { cancel } of works.values()) cancel.abort()
    },
  }
}

/** Slack's words for what only the owner of the app can change. */
const neverWithout = ['missing_scope', 'not_allowed_token_type', 'file_uploads_disabled']

async function putIn(
  place: SlackPlace,
  message: SlackMessage,
  { altText, draw }: Picture,
  work: Work,
  options: SlackPictureOptions,
): Promise<void> {
  const { signal } = work.cancel
  const png = await draw()
  if (!png) return
  const fileId = await upload(png, options, AbortSignal.any([signal, AbortSignal.timeout(uploadTimeoutMs)]))
  const edited = { ...place, ...withPicture(message, fileId, altText) }
  for (const pauseMs of editPausesMs) {
    await delay(pauseMs, undefined, { signal })
    const editing = call(options, 'chat.update', JSON.stringify(edited), AbortSignal.timeout(editTimeoutMs))
    work.editing = editing.catch(() => {})
    const { ok, error } = await editing
    if (ok) return
    if (error !== 'invalid_blocks') throw new Error(error)
  }
  throw new Error('Slack did not prepare the picture in time')
}

/** Resolves with the id of the file, which nobody sees until a message shows it. */
async function upload(png: Uint8Array, options: SlackPictureOptions, signal: AbortSignal): Promise<string> {
  const wanted = new URLSearchParams({ filename: 'window.png', length: String(png.length) })
  const { upload_url: uploadUrl, file_id: fileId, error } = await call(options, 'files.getUploadURLExternal', wanted, signal)
  if (!uploadUrl || !fileId) throw new Error(error ?? 'no address to upload to')
  const taken = await fetch(uploadUrl, { method: 'POST', body: png, redirect: 'error', signal })
  if (!taken.ok) throw new Error(`HTTP ${taken.status} for the upload`)
  const files = new URLSearchParams({ files: JSON.stringify([{ id: fileId, title: 'window.png' }]) })
  const completed = await call(options, 'files.completeUploadExternal', files, signal)
  if (!completed.ok) throw new Error(completed.error)
  return fileId
}

const answerSchema = z.object({
  ok: z.boolean(),
  error: z.string().optional(),
  upload_url: z.url({ protocol: /^https?$/ }).optional(),
  file_id: z.string().optional(),
})

/** A form, or JSON as text. Rejects when there is no answer of Slack. */
async function call(
  { apiUrl, botToken }: SlackPictureOptions,
  method: string,
  body: URLSearchParams | string,
  signal: AbortSignal,
): Promise<z.output<typeof answerSchema>> {
  const isForm = body instanceof URLSearchParams
  const response = await fetch(`${apiUrl}/${method}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${botToken.reveal()}`,
      'content-type': `${isForm ? 'application/x-www-form-urlencoded' : 'application/json'}; charset=utf-8`,
    },
    body: isForm ? body.toString() : body,
    redirect: 'error',
    signal,
  })
  if (!response.ok) throw new Error(`HTTP ${response.status} for ${method}`)
  return answerSchema.parse(await response.json())
}
