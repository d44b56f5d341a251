/** The settings in force of every process that tells them, and what of them does not work, folded from their topic; one that was not heard for long is gone. */
import { decode } from '@lapwing/contracts/codec'
import type { ServiceSettings, Trouble } from '@lapwing/contracts/records'
import { settingsEveryMs, troublesEveryMs } from '@lapwing/stream/announce-settings'
import type { LogRecord } from '@lapwing/stream/log'

/** Of more than these the oldest are forgotten. */
const mostProcesses = 1000

/** In the order of the data. */
const services = ['ingestor', 'detector', 'trainer', 'drift', 'alerter', 'reporter']

export class SettingsBook {
  readonly #told = new Map<string, ServiceSettings>()

  /** Throws a DecodeError. */
  take({ key, value }: Pick<LogRecord, 'key' | 'value'>): void {
    const process = Buffer.from(key ?? []).toString()
    this.#told.delete(process)
    if (value) this.#told.set(process, decode('ServiceSettings', value))
    if (this.#told.size > mostProcesses) this.#told.delete(this.#told.keys().next().value!)
  }

  /** Of the processes that live, by service. */
  inForce(nowMs: number): ServiceSettings[] {
    const place = ({ service, instance }: ServiceSettings) => `${services.indexOf(service) + 1} ${instance}`
    return this.#heardSince(nowMs - 3 * settingsEveryMs).sort((a, b) => (place(a) < place(b) ? -1 : 1))
  }

  /** What does not work now, the oldest first; what two processes tell of, as the one that took it over, tells it last. */
  troubles(nowMs: number): Trouble[] {
    const told = this.#heardSince(nowMs - 3 * troublesEveryMs).flatMap(({ troubles }) => troubles)
    told.sort((a, b) => a.atMs - b.atMs)
    const bySubject = new Map(told.map((trouble) => [trouble.subject, trouble]))
    return [...bySubject.values()].sort((a, b) => a.sinceMs - b.sinceMs || (a.subject < b.subject ? -1 : 1))
  }

  #heardSince(sinceMs: number): ServiceSettings[] {
    return [...this.#told.values()].filter(({ atMs }) => atMs >= sinceMs)
  }

  /** Services of which nothing is heard. */
  missing(nowMs: number): string[] {
    const heard = new Set(this.inForce(nowMs).map(({ service }) => service))
    return services.filter((service) => !heard.has(service))
  }
}
