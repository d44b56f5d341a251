/** Mutes wherever they were given: in the file, and on the page. */
import { type ConnectionFlags, type Deployment, withDeployment } from '../topics/open-log.ts'
import { UserError } from '../user-error.ts'
import { expireMute, isInFile } from './edit-mutes-file.ts'
import { mutesText, rowsOfFile, rowsOfRecords } from './list-mutes.ts'
import { mutesFileIfAny } from './mutes-file-place.ts'
import { liftMute, recordedMutes } from './recorded-mutes.ts'

interface PlaceFlags extends ConnectionFlags {
  /** Nothing else is looked at. */
  readonly file?: string
}

/** Rejects with a UserError when the brokers do not tell theirs; those of the file are written before. */
export async function listAllMutes(
  { json, ...flags }: PlaceFlags & { readonly json: boolean },
  nowMs: number,
  write: (text: string) => void,
): Promise<void> {
  const file = mutesFileIfAny(flags)
  const ofFile = file === undefined ? [] : rowsOfFile(file, nowMs)
  const ofPage = flags.file !== undefined ? [] : await onBrokers(flags, (deployment) => recordedMutes(deployment, nowMs))
  if (!(ofPage instanceof UserError)) return write(mutesText([...ofFile, ...rowsOfRecords(ofPage, nowMs)], json))
  if (ofFile.length > 0) write(mutesText(ofFile, json))
  throw new UserError(
    `What was given on the page is not known. ${ofPage.message.replace(/\.?$/, '.')} To look at a file only, name it with --file.`,
  )
}

/** Rejects with a UserError when neither place has it, or it is over. */
export async function expireAnyMute(
  { by: author, ...flags }: PlaceFlags & { readonly by: string },
  id: string,
  nowMs: number,
  write: (text: string) => void,
): Promise<void> {
  const file = mutesFileIfAny(flags)
  if (file !== undefined && (flags.file !== undefined || isInFile(file, id))) return expireMute(file, id, nowMs, write)
  const problem = await onBrokers(flags, (deployment) => liftMute({ ...deployment, write }, { id, author, nowMs }))
  if (!problem) return
  throw file === undefined ? problem : new UserError(`${file} has no mute called ${JSON.stringify(id)}. ${problem.message}`)
}

/** What the command answers, or why it cannot. */
function onBrokers<Answer>(
  flags: ConnectionFlags,
  command: (deployment: Deployment) => Promise<Answer>,
): Promise<Answer | UserError> {
  return withDeployment(flags, command).catch((error: unknown) => {
    if (error instanceof UserError) return error
    throw error
  })
}
