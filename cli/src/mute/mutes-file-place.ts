/** Which file the mutes stand in. */
import { alerterSchema } from '@lapwing/alerter/config'
import { commonSections, loadConfig } from '@lapwing/service/config'
import { UserError } from '../user-error.ts'

interface FileFlags {
  readonly config?: string
  readonly profile?: string
  readonly file?: string
}

/** Throws UserError when none is configured, and ConfigError. */
export function mutesFile(flags: FileFlags): string {
  const file = mutesFileIfAny(flags)
  if (file !== undefined) return file
  throw new UserError(
    'No file of mutes is configured: set alerter.mutes_file, for example to mutes.yaml, or name one with --file.',
  )
}

/** Undefined when none is configured. Throws ConfigError. */
export function mutesFileIfAny({ config, profile, file }: FileFlags): string | undefined {
  if (file !== undefined) return file
  const sections = { ...commonSections, alerter: alerterSchema }
  const { mutes_file: configured } = loadConfig(sections, { file: config, profile, environment: process.env, sets: [] }).alerter
  return configured === '' ? undefined : configured
}
