/**
 * The queries that a configuration means: its presets, then its own, each once.
 *
 * What the configuration itself says of a query wins over a preset with the same name or the same PromQL, so a policy can be
 * changed without giving up the preset. Without presets and without queries the state of a machine is watched, as node exporter
 * tells it, and whatever somebody has labelled `anomaly_name`.
 */
import { createHash } from 'node:crypto'
import { readPreset } from './presets.ts'
import type { PresetName, QuerySetting } from './query-settings.ts'

export interface ConfiguredQuery {
  /** Key of its progress: a hash of the PromQL, so that it goes on where it was whatever it is called and what stands around it. */
  readonly id: string
  /** Source of its batches: its name, else its id. */
  readonly source: string
  readonly name: string | undefined
  readonly promql: string
  readonly samples: 'evaluated' | 'scraped'
  readonly unit: string | undefined
  readonly policy: QueryPolicy
  /** `configuration`, or the preset it came with. */
  readonly origin: 'configuration' | PresetName
}

/** When a deviation is one that matters; the detector holds to it. */
export interface QueryPolicy {
  readonly direction: 'up' | 'down' | 'both'
  /** In the unit of the query. */
  readonly minDeviation: number
  /** Share of the expected value. */
  readonly minRelativeDeviation: number
}

export interface QueryChoice {
  readonly metrics?: readonly QuerySetting[] | undefined
  readonly presets?: readonly PresetName[] | undefined
}

const presetsByDefault: readonly PresetName[] = ['node-exporter', 'anomaly-name']

export function configuredQueries({ metrics, presets }: QueryChoice): ConfiguredQuery[] {
  const chosen = presets ?? (metrics === undefined ? presetsByDefault : [])
  const all = [
    ...chosen.flatMap((preset) => readPreset(preset).queries.map((setting) => queryOf(setting, preset))),
    ...(metrics ?? []).map((setting) => queryOf(setting, 'configuration')),
  ]
  return all.filter((query, i) => !all.slice(i + 1).some((later) => replaces(later, query)))
}

function replaces(later: ConfiguredQuery, earlier: ConfiguredQuery): boolean {
  return later.id === earlier.id || (later.name !== undefined && later.name === earlier.name)
}

function queryOf(setting: QuerySetting, origin: ConfiguredQuery['origin']): ConfiguredQuery {
  const id = `query-${createHash('sha256').update(setting.query).digest('hex').slice(0, 16)}`
  return {
    id,
    source: setting.name ?? id,
    name: setting.name,
    promql: setting.query,
    samples: setting.samples,
    unit: setting.unit,
    policy: {
      direction: setting.direction,
      minDeviation: setting.min_deviation,
      minRelativeDeviation: setting.min_relative_deviation,
    },
    origin,
  }
}
