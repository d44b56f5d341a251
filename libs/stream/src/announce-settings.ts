/**
 * Tells on a topic what settings a process runs with, without secrets, and what of them does not work: services meet in topics only, and the page
 * shows all of them.
 *
 * Told at the start, when it changes, and from time to time, so that what is no longer told is known to be gone; taken back when the process ends in
 * good order. Nothing waits for it and nothing ends with it: what could not be told is told at the next look.
 */
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { encode } from '@lapwing/contracts/codec'
import type { Trouble } from '@lapwing/contracts/records'
import type { Log, Producer } from './log.ts'

/** The part of a service that is needed; typed by shape, because this library does not know services. */
export interface AnnouncedService {
  readonly name: string
  readonly version: string
  /** What is in force now, without secrets. */
  settingsYaml(): string
  /** What is set and does not work now; without it, nothing is known to. */
  troubles?(): readonly Trouble[]
  readonly logger: { warn(object: object, message: string): void }
  onClose(name: string, close: () => Promise<void>): void
}

/** How often a process tells its settings; of one that was not heard for three times as long nothing is known. */
export const settingsEveryMs = 600_000
/** The same while something does not work: who reads that a query fails wants to know whether it still does. */
export const troublesEveryMs = 60_000
const mostTroubles = 100
const lookEveryMs = 10_000
const takeBackMs = 1000

/** @param topic its name on the log */
export function announceSettings(log: Pick<Log, 'producer'>, topic: string, service: AnnouncedService): void {
  const { name, version, logger } = service
  const instance = `${hostname()}/${process.pid}`
  const place = { topic, partition: 0, key: Buffer.from(`${name}/${instance}`) }
  const startedAtMs = Date.now()
  let producer: Promise<Producer> | undefined
  let told = { text: '', atMs: Number.NEGATIVE_INFINITY }
  const send = async (value: Buffer | null) => {
    producer ??= log.producer()
    await (await producer).send([{ ...place, value }])
  }
  const look = async () => {
    const [yaml, troubles, atMs] = [service.settingsYaml(), (service.troubles?.() ?? []).slice(0, mostTroubles), Date.now()]
    const text = JSON.stringify([yaml, troubles.map(({ subject, message, sinceMs }) => [subject, message, sinceMs])])
    if (text === told.text && atMs < told.atMs + (troubles.length > 0 ? troublesEveryMs : settingsEveryMs)) return
    await send(encode('ServiceSettings', { service: name, instance, version, startedAtMs, atMs, yaml, troubles }))
    told = { text, atMs }
  }
  let looking = Promise.resolve()
  const lookInTurn = () => {
    looking = looking.then(look).catch((error: Error) => {
      producer = undefined
      logger.warn({ err: error }, 'the settings in force could not be told; tried again')
    })
  }
  lookInTurn()
  const timer = setInterval(lookInTurn, lookEveryMs).unref()
  service.onClose('telling the settings', async () => {
    clearInterval(timer)
    await looking
    if (told.text === '') return
    // A log that is away must not keep a process from ending.
    await Promise.race([send(null).catch(() => {}), delay(takeBackMs, undefined, { ref: false })])
    await (await producer?.catch(() => undefined))?.close()
  })
}
