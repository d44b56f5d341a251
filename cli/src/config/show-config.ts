/** `lapwing config check` and `lapwing config print`. */

import { loadConfig } from '@lapwing/service/config'
import { durationText, Secret } from '@lapwing/service/config-fields'
import { stringify } from 'yaml'
import { type AllConfig, allSections, type ConfigFlags } from '../start/all-config.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** One line. Throws ConfigError. */
export function checkConfig(flags: ConfigFlags, environment: Environment): string {
  loadAll(flags, environment)
  return `${flags.config ?? 'configuration'}${flags.profile ? `, profile ${flags.profile}` : ''}: ok, all ${Object.keys(allSections).length} sections\n`
}

/** YAML that, used as a configuration, means the same, but for secrets. Throws ConfigError. */
export function printConfig(flags: ConfigFlags, environment: Environment): string {
  const config = loadAll(flags, environment)
  // The root of the routes matches everything, and may not say so.
  const { matchers, continue: goesOn, ...route } = config.alerter.route
  return stringify(writable({ ...config, alerter: { ...config.alerter, route } }), { lineWidth: 0 })
}

function loadAll({ config: file, profile, set: sets }: ConfigFlags, environment: Environment): AllConfig {
  return loadConfig(allSections, { file, profile, environment, sets })
}

/** Durations as a person writes them; of a secret only whether there is one. */
export function writable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(writable)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Secret) return value.reveal() === '' ? '' : value.toJSON()
  const entries = Object.entries(value)
  if (entries.length === 1 && entries[0]![0] === 'ms') return durationText(entries[0]![1] as number)
  return Object.fromEntries(entries.filter(([, child]) => child !== undefined).map(([key, child]) => [key, writable(child)]))
}
