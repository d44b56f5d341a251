/**
 * Presets: queries with names and policies for what most people run, each a file in `presets/`.
 *
 * Read when asked for and held to the schema of the configuration: a preset is nothing that a user could not write.
 */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { type PresetName, querySetting } from './query-settings.ts'

const presetSchema = z.strictObject({
  /** What it watches, in a sentence. */
  title: z.string().min(1),
  queries: z.array(querySetting).min(1),
})
export type Preset = z.output<typeof presetSchema>

export function readPreset(name: PresetName): Preset {
  return presetSchema.parse(parse(readFileSync(new URL(`../presets/${name}.yaml`, import.meta.url), 'utf8')))
}
