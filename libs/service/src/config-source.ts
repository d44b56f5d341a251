/** A configuration that can be read again: where it came from the first time. */
import { statSync } from 'node:fs'
import { type ConfigLayers, type ConfigOf, type ConfigReading, configFiles, readConfig, type Sections } from './config.ts'
import type { Settings } from './config-change.ts'

export interface ConfigSource<Config> {
  /** What the files looked like when the configuration was read first; compared with `look()`, which changes when one of them does. */
  readonly lookAtStart: string
  look(): string
  /** Sections that the process reads. */
  readonly sections: readonly string[]
  /** What was written when the process started. */
  readonly started: Settings
  /** Throws ConfigError. */
  read(): ConfigReading<Config>
}

/** Reads it for the first time. Throws ConfigError. */
export function openConfig<S extends Sections>(
  sections: S,
  layers: ConfigLayers,
): { readonly config: ConfigOf<S>; readonly source: ConfigSource<ConfigOf<S>> } {
  const files = configFiles(layers)
  const look = () => files.map(stampOf).join(' ')
  const lookAtStart = look()
  // The file that was found once is the one to be read: were it gone for a moment, the defaults would come into force.
  const read = () => readConfig(sections, { ...layers, file: files[0] })
  const { config, settings } = read()
  return { config, source: { lookAtStart, look, sections: Object.keys(sections), started: settings, read } }
}

/** Changes when the file does; empty when there is none. Kubernetes changes a mounted file by another link, which shows as another inode. */
function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false })
  return stat ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : ''
}
