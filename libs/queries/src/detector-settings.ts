/**
 * What the keys of section `detector` mean to the detector of a series: the same for the service, for files, and for whoever tries a series out.
 *
 * Chance comes from the settings, so the same series with the same settings gets the same scores wherever it is scored.
 */
import { createHash } from 'node:crypto'

export const sensitivities = ['sensitive', 'balanced', 'high-precision'] as const

/** Episodes a week that a series without fault may open. */
const falseAlarmsPerWeek: Readonly<Record<(typeof sensitivities)[number], number>> = {
  sensitive: 2,
  balanced: 1,
  'high-precision': 0.25,
}

/** Of section `detector`. */
export interface DetectionSettings {
  readonly window_minutes: number
  readonly contamination: number
  readonly sensitivity: (typeof sensitivities)[number]
  readonly false_alarms_per_week?: number | undefined
  readonly time_zone: string
}

/** As the detector of `libs/detection` takes them. */
export interface SeriesSettings {
  readonly windowMs: number
  readonly contamination: number
  readonly falseAlarmsPerWeek: number
  readonly timeZone: string
  readonly seed: number
}

export function seriesDetectorOptions(settings: DetectionSettings): SeriesSettings {
  return { ...withoutSeed(settings), seed: createHash('sha256').update(stateName(settings)).digest().readUInt32BE(0) }
}

/**
 * What states and priors belong to: the settings, and the trees that these give. Another version of the scores goes on from them, so the
 * number in it stands for the trees alone (docs/adr/0043).
 */
export function stateName(settings: DetectionSettings): string {
  return `online-2/${settingsHash(settings)}`
}

export function settingsHash(settings: DetectionSettings): string {
  const { windowMs, contamination, falseAlarmsPerWeek: perWeek, timeZone } = withoutSeed(settings)
  return createHash('sha256')
    .update(JSON.stringify([windowMs, contamination, perWeek, timeZone]))
    .digest('hex')
    .slice(0, 8)
}

function withoutSeed(settings: DetectionSettings): Omit<SeriesSettings, 'seed'> {
  return {
    windowMs: settings.window_minutes * 60_000,
    contamination: settings.contamination,
    falseAlarmsPerWeek: settings.false_alarms_per_week ?? falseAlarmsPerWeek[settings.sensitivity],
    timeZone: settings.time_zone,
  }
}
