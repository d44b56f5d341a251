/**
 * Changes the file of mutes: comments and order stay, and nothing is written that the alerter would refuse.
 *
 * The new text is written beside the file, read as the alerter reads it, and moved over it only then, so a reader never sees half
 * of it and a mistake leaves everything as it was.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { readMutesFile } from '@lapwing/alerter/mutes-file'
import { ConfigError } from '@lapwing/service/config'
import { type Document, isMap, isSeq, parseDocument } from 'yaml'
import { UserError } from '../user-error.ts'

export interface NewMute {
  readonly matchers: readonly string[]
  readonly author: string
  readonly comment: string
  readonly id: string | undefined
  /** One of these two. */
  readonly forMs: number | undefined
  readonly untilMs: number | undefined
}

/** Throws UserError with what the alerter would say. */
export function addMute(file: string, mute: NewMute, nowMs: number, write: (text: string) => void): void {
  const { matchers, author, comment, forMs, untilMs } = mute
  if ((forMs === undefined) === (untilMs === undefined)) throw new UserError('Expected either --for or --until.')
  const endsAt = toText(untilMs ?? nowMs + forMs!)
  const id = mute.id ?? `mute-${toText(nowMs).replace(/\D/g, '').slice(0, 14)}`
  const document = readDocument(file)
  if (!isSeq(document.get('mutes'))) document.set('mutes', document.createNode([]))
  document.addIn(['mutes'], { id, matchers, starts_at: toText(nowMs), ends_at: endsAt, author, comment })
  replace(file, document, nowMs)
  write(`${id} is in force until ${endsAt}.\n`)
}

/** Whether a mute of the file is called so. Throws UserError for a file that is no YAML. */
export function isInFile(file: string, id: string): boolean {
  return placeOf(readDocument(file), id) >= 0
}

/** Throws UserError when there is no such mute, or it is over. */
export function expireMute(file: string, id: string, nowMs: number, write: (text: string) => void): void {
  const document = readDocument(file)
  const index = placeOf(document, id)
  if (index < 0) throw new UserError(`${file}: no mute is called ${JSON.stringify(id)}; \`lapwing mute list\` shows their names.`)
  const startsAtMs = Date.parse(String(document.getIn(['mutes', index, 'starts_at'])))
  if (Date.parse(String(document.getIn(['mutes', index, 'ends_at']))) <= nowMs) throw new UserError(`${id} is over already.`)
  // Times of the file are whole seconds: one of this second would end before it began.
  const hasBegun = startsAtMs < Date.parse(toText(nowMs))
  if (!hasBegun) document.deleteIn(['mutes', index])
  else document.setIn(['mutes', index, 'ends_at'], toText(nowMs))
  replace(file, document, nowMs)
  write(hasBegun ? `${id} has ended.\n` : `${id} is removed: it had hardly begun, or not at all.\n`)
}

/** -1 when there is none of that name. */
function placeOf(document: Document, id: string): number {
  const mutes = document.get('mutes')
  return isSeq(mutes) ? mutes.items.findIndex((item) => isMap(item) && item.get('id') === id) : -1
}

function toText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

function readDocument(file: string): Document {
  const document = parseDocument(existsSync(file) ? readFileSync(file, 'utf8') : '')
  const [problem] = document.errors
  if (problem) throw new UserError(`${file}: ${problem.message}`)
  return document
}

function replace(file: string, document: Document, nowMs: number): void {
  const draft = `${file}.${process.pid}.tmp`
  try {
    writeFileSync(draft, document.toString({ lineWidth: 0 }))
    readMutesFile(draft, nowMs)
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    if (error instanceof ConfigError) throw new UserError(error.message.replaceAll(draft, file))
    throw error
  }
}
