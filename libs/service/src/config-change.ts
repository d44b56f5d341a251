/** What changed between two readings of a configuration, and what of it can come into force in a process that runs. Pure. */

/** The merged layers as they were written: section, then key. */
export type Settings = Readonly<Record<string, unknown>>

export interface ConfigChange {
  /** `section.key` of what comes into force now, in the order of the alphabet. */
  readonly live: readonly string[]
  /** Likewise of what waits for the next start. */
  readonly restart: readonly string[]
}

/**
 * Compared as written and not as read, so that a secret is compared and never shown, and a key that was written out with its default counts
 * as changed: it does no harm.
 *
 * @param sections those that the process reads; a change of another's concerns another
 * @param liveKeys `section.key` of what can change while it runs, or `section.*` of a section that is another's: what is not read of it changes nothing
 */
export function configChange(
  before: Settings,
  after: Settings,
  sections: readonly string[],
  liveKeys: readonly string[],
): ConfigChange {
  const changed = sections.flatMap((section) => {
    const [old, new_] = [keysOf(before[section]), keysOf(after[section])]
    const keys = new Set([...Object.keys(old), ...Object.keys(new_)])
    return [...keys].filter((key) => !isSame(old[key], new_[key])).map((key) => `${section}.${key}`)
  })
  const isLive = (key: string) => liveKeys.includes(key) || liveKeys.includes(`${key.split('.')[0]}.*`)
  return { live: changed.filter(isLive).sort(), restart: changed.filter((key) => !isLive(key)).sort() }
}

/** The configuration in force with what can change now taken from the new one. */
export function withLive<Config extends object>(inForce: Config, next: Config, liveKeys: readonly string[]): Config {
  const merged: Record<string, unknown> = { ...(inForce as Settings) }
  for (const path of liveKeys) {
    const [section = '', key = ''] = path.split('.')
    const written = keysOf((next as Settings)[section])
    merged[section] = key === '*' ? written : { ...keysOf(merged[section]), [key]: written[key] }
  }
  return merged as Config
}

function keysOf(section: unknown): Settings {
  return typeof section === 'object' && section !== null ? (section as Settings) : {}
}

/** Both come from YAML or JSON; the order of the keys of a map means nothing. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one, sortedKeys) === JSON.stringify(other, sortedKeys)
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
