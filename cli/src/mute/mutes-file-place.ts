/** Which file the mutes stand in. */
import { alerterSchema } from '@lapwing/alerter/config'
import { commonSections, loadConfig } from '@lapwing/service/config'
import { UserError } from '../user-error.ts'

/** Throws UserError when none is configured, and ConfigError. */
export function mutesFile({ config, profile, file }: { config?: string; profile?: string; file?: string }): string {
  if (file !== undefined) return file
  const sections = { ...commonSections, alerter: alerterSchema }
  const { mutes_file: configured } = loadConfig(sections, { file: config, profile, environment: process.env, sets: [] }).alerter
  if (configured !== '') return configured
  throw new UserError(
    'No file of mutes is configured: set alerter.mutes_file, for example to mutes.yaml, or name one with --file.',
  )
}
