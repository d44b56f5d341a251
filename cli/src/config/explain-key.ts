/** `lapwing config explain KEY`. */
import { flatKeys, loadConfig, placeOfSetting } from '@lapwing/service/config'
import type { z } from 'zod'
import { allSections, type ConfigFlags } from '../start/all-config.ts'
import { UserError } from '../user-error.ts'
import { sectionSchema } from './config-schema.ts'
import { writable } from './show-config.ts'

/** A few lines. Throws a UserError for a key that is none, a ConfigError for a configuration that does not fit. */
export function explainKey(key: string, flags: ConfigFlags, environment: Readonly<Record<string, string | undefined>>): string {
  const [section, name] = placeOf(key)
  const layers = { file: flags.config, profile: flags.profile, environment, sets: flags.set }
  const config = loadConfig(allSections, layers) as Record<string, Record<string, unknown>>
  const defaults = allSections[section].parse(undefined) as Record<string, unknown>
  const flat = Object.entries(flatKeys).find(([, place]) => place.join('.') === `${section}.${name}`)?.[0]
  const lines = [
    ['key', `${section}.${name}`],
    ['value', text(config[section]![name])],
    ['set by', placeOfSetting(layers, [section, name]) ?? 'nothing; this is the default'],
    ['default', text(defaults[name])],
    ['may be', allowed(sectionSchema(allSections[section]).properties[name]!)],
    ['variable', `LAPWING__${section.toUpperCase()}__${name.toUpperCase()}`],
    ...(flat ? [['flat form', flat]] : []),
  ]
  return lines.map(([label, what]) => `${label!.padEnd(10)} ${what}\n`).join('')
}

function placeOf(key: string): [section: keyof typeof allSections, name: string] {
  const [section, name] = flatKeys[key] ?? key.split('.')
  const known = Object.hasOwn(allSections, section!)
    ? sectionSchema(allSections[section as keyof typeof allSections]).properties
    : undefined
  if (known && name && Object.hasOwn(known, name)) return [section as keyof typeof allSections, name]
  const expected = known
    ? Object.keys(known).map((one) => `${section}.${one}`)
    : Object.keys(allSections).map((one) => `${one}.KEY`)
  throw new UserError(`${key}: unknown key; expected one of ${expected.join(', ')}`)
}

function text(value: unknown): string {
  return value === undefined ? 'unset' : JSON.stringify(writable(value))
}

/** In a few words, for what can be said in a few; `lapwing config schema` has all of it. */
function allowed(schema: object): string {
  const { type, enum: choices, minimum, maximum, anyOf } = schema as z.core.JSONSchema.JSONSchema
  if (choices) return choices.map((choice) => JSON.stringify(choice)).join(', ')
  if (anyOf) return anyOf.map((one) => allowed(one as object)).join(' or ')
  const bounds = [minimum === undefined ? '' : ` from ${minimum}`, maximum === undefined ? '' : ` to ${maximum}`].join('')
  return `${type ?? 'text'}${bounds}`
}
