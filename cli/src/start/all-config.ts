/** The configuration of all services at once: every section is checked before anything is started. */
import { alerterSchema } from '@lapwing/alerter/config'
import { detectorSchema } from '@lapwing/detector/config'
import { trainerSchema } from '@lapwing/detector/trainer/config'
import { driftSchema } from '@lapwing/drift/config'
import { ingestorSchema } from '@lapwing/ingestor/config'
import { podsSchema } from '@lapwing/ingestor/pods/config'
import { reporterSchema } from '@lapwing/reporter/config'
import { type ConfigOf, commonSections } from '@lapwing/service/config'
import { type ConfigSource, openConfig } from '@lapwing/service/config-source'

export const allSections = {
  ...commonSections,
  ingestor: ingestorSchema,
  detector: detectorSchema,
  trainer: trainerSchema,
  drift: driftSchema,
  alerter: alerterSchema,
  reporter: reporterSchema,
  pods: podsSchema,
} as const

export type AllConfig = ConfigOf<typeof allSections>

export type ServiceName = Exclude<keyof AllConfig, keyof typeof commonSections>

/** Whether the pods role is part of what `lapwing start` starts: where it watches its own namespace only, it stands in a cluster, which starts it by itself. */
export function watchesPods({ pods }: AllConfig): boolean {
  return pods.namespaces.length > 0
}

/** Where it comes from, beside the environment. */
export interface ConfigFlags {
  readonly config?: string
  readonly profile?: string
  readonly set: readonly string[]
}

/** Throws ConfigError. */
export function readConfig(flags: ConfigFlags): AllConfig {
  return openAllConfig(flags).config
}

/** As `readConfig`, for what reads it again. */
export function openAllConfig({ config: file, profile, set: sets }: ConfigFlags): OpenConfig {
  return openConfig(allSections, { file, profile, environment: process.env, sets })
}

export interface OpenConfig {
  readonly config: AllConfig
  readonly source: ConfigSource<AllConfig>
}
