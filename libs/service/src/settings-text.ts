/**
 * The settings that this process runs with, as YAML: what a file would have to say to run the same. Secrets come out as `[secret]`.
 *
 * Lengths of time are written as they are read. What is no plain value (a pattern that was compiled) is written as its text.
 */
import { Document } from 'yaml'
import { Secret } from './config-fields.ts'

export function settingsYaml(config: object): string {
  const document = new Document(plain(config), { aliasDuplicateObjects: false })
  return document.toString({ lineWidth: 0 })
}

function plain(value: unknown): unknown {
  // Whether there is one is no secret, and is what one looks for.
  if (value instanceof Secret) return value.reveal() === '' ? '' : String(value)
  if (value instanceof RegExp) return value.source
  if (typeof value === 'function') return undefined
  if (typeof value === 'string') return value.replace(passwordInAddress, `$1${masked}@`)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Map) return plain(Object.fromEntries(value))
  if (value instanceof Set) return plain([...value])
  if ('toJSON' in value && typeof value.toJSON === 'function') return value.toJSON()
  if (isDuration(value)) return durationText(value.ms)
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plain(child)]))
}

/** Up to the last @ before the path: a password may have one in it. */
const passwordInAddress = /^([a-z][a-z0-9+.-]*:\/\/[^/:@]*:)[^/]*@/i
const masked = '[secret]'

function isDuration(value: object): value is { readonly ms: number } {
  return 'ms' in value && typeof value.ms === 'number' && Object.keys(value).length === 1
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

/** In the largest unit that it is a whole number of. */
function durationText(ms: number): string {
  const [unit, size] = units.find(([, unitMs]) => ms % unitMs === 0) ?? ['ms', 1]
  return `${ms / size}${unit}`
}
