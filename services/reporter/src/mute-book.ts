/** The mutes that people gave on the page, folded from their topic. The newest record of an id counts. */
import { identityLabels } from '@lapwing/alerting/alertmanager-alert'
import { allMatch } from '@lapwing/alerting/matcher'
import { ReadableError } from '@lapwing/alerting/readable-error'
import { recordedMute } from '@lapwing/alerting/recorded-mute'
import { decode } from '@lapwing/contracts/codec'
import type { Mute } from '@lapwing/contracts/records'
import type { LogRecord } from '@lapwing/stream/log'
import type { Episode } from './episode.ts'

/** Of more the oldest are forgotten here; the alerter keeps as many. */
const mostMutes = 1000

export class MuteBook {
  readonly #mutes = new Map<string, Mute>()

  /** Throws a DecodeError. */
  take({ key, value }: Pick<LogRecord, 'key' | 'value'>): void {
    const id = Buffer.from(key ?? []).toString()
    this.#mutes.delete(id)
    if (value) this.#mutes.set(id, decode('Mute', value))
    if (this.#mutes.size > mostMutes) this.#mutes.delete(this.#mutes.keys().next().value!)
  }

  find(id: string): Mute | undefined {
    return this.#mutes.get(id)
  }

  /** Those that have not ended and were not taken back, the newest first. */
  inForce(nowMs: number): Mute[] {
    return [...this.#mutes.values()].filter((mute) => isInForce(mute, nowMs)).sort((a, b) => b.atMs - a.atMs)
  }
}

/** Whether it keeps alerts of this series quiet. */
export function holdsFor(mute: Mute, { metric, labels, severity }: Pick<Episode, 'metric' | 'labels' | 'severity'>): boolean {
  try {
    const { matchers } = recordedMute(mute) ?? {}
    return matchers !== undefined && allMatch(matchers, identityLabels({ metric, labels }, severity))
  } catch (error) {
    if (error instanceof ReadableError) return false
    throw error
  }
}

export function isInForce({ endsAtMs, liftedAtMs }: Mute, nowMs: number): boolean {
  return liftedAtMs === null && endsAtMs > nowMs
}
