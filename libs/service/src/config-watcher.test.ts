import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openConfig } from './config-source.ts'
import { type LiveConfig, watchConfig } from './config-watcher.ts'

const sections = {
  alerter: z
    .strictObject({ port: z.int().default(1), minimum_severity: z.enum(['info', 'warning']).default('warning') })
    .prefault({}),
}
type Config = { readonly alerter: { readonly port: number; readonly minimum_severity: string } }

let folder: string
let file: string
const stops: (() => Promise<void>)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lapwing-config-'))
  file = join(folder, 'lapwing.yaml')
})
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
  rmSync(folder, { recursive: true })
})

/** A process that began with this file; what it takes on, and what it logs. */
function startWatching(text: string, prepare?: LiveConfig<Config>['prepare']) {
  writeFileSync(file, text)
  const { config, source } = openConfig(sections, { file, environment: {}, sets: [] })
  const [taken, lines, failures]: [Config[], string[], Error[]] = [[], [], []]
  const registry = new Registry()
  const watcher = watchConfig<Config>({
    ...{ config, source, registry, nowMs: () => 5000 },
    live: { keys: ['alerter.minimum_severity'], prepare: prepare ?? ((next) => async () => void taken.push(next)) },
    logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line).msg) }),
    onFail: (error) => failures.push(error),
  })
  stops.push(watcher.stop)
  const metric = async (name: string) => (await registry.getSingleMetric(`lapwing_config_${name}`)!.get()).values[0]!.value
  return { watcher, taken, lines, failures, metric }
}

describe('a configuration that is watched', () => {
  test('comes into force when its file changes', async () => {
    const { taken, lines } = startWatching('alerter: {minimum_severity: warning}')
    writeFileSync(file, 'alerter: {minimum_severity: info}')
    await expect.poll(() => taken, { timeout: 20_000 }).toEqual([{ alerter: { port: 1, minimum_severity: 'info' } }])
    await expect
      .poll(() => lines, { timeout: 5000 })
      .toEqual(['configuration read again; in force now: alerter.minimum_severity'])
  }, 30_000)

  test('stays when the new one is refused, with file, line and key, until a good one comes', async () => {
    const { watcher, taken, lines, metric } = startWatching('alerter: {minimum_severity: warning}')
    writeFileSync(file, 'alerter:\n  minimum_severity: page\n')
    await watcher.readAgain()
    expect(lines.join()).toContain(
      `${file}:2: alerter.minimum_severity: Invalid option: expected one of "info"|"warning"; found "page"`,
    )
    expect(taken).toEqual([])
    expect(await metric('last_reload_successful')).toBe(0)
    writeFileSync(file, 'alerter:\n  minimum_severity: info\n')
    await watcher.readAgain()
    expect(taken).toHaveLength(1)
    expect(await metric('last_reload_successful')).toBe(1)
    expect(await metric('last_reload_success_timestamp_seconds')).toBe(5)
  })

  test('names what waits for a restart, and forgets it when it is taken back', async () => {
    const { watcher, taken, lines, metric } = startWatching('alerter: {port: 2}')
    writeFileSync(file, 'alerter: {port: 3, minimum_severity: info}')
    await watcher.readAgain()
    expect(taken).toEqual([{ alerter: { port: 2, minimum_severity: 'info' } }])
    expect(lines).toEqual([
      'configuration read again; in force now: alerter.minimum_severity; in force after a restart: alerter.port',
    ])
    expect(await metric('restart_needed')).toBe(1)
    writeFileSync(file, 'alerter: {port: 2, minimum_severity: info}')
    await watcher.readAgain()
    expect(await metric('restart_needed')).toBe(0)
    expect(taken).toHaveLength(1)
  })

  test('stays when what lives on it cannot prepare the change', async () => {
    const { watcher, lines, metric, failures } = startWatching('alerter: {}', () => {
      throw new Error('alerter.slack_webhook_url: expected an address')
    })
    writeFileSync(file, 'alerter: {minimum_severity: info}')
    await watcher.readAgain()
    expect(lines).toEqual(['the configuration stays as it was: alerter.slack_webhook_url: expected an address'])
    expect(await metric('last_reload_successful')).toBe(0)
    expect(failures).toEqual([])
  })

  test('keeps nobody from stopping', async () => {
    let begun = () => {}
    const beginning = new Promise<void>((resolve) => {
      begun = resolve
    })
    const { watcher, failures } = startWatching('alerter: {}', () => (stopping) => {
      begun()
      return new Promise((_, reject) => stopping.addEventListener('abort', () => reject(new Error('stopped'))))
    })
    writeFileSync(file, 'alerter: {minimum_severity: info}')
    void watcher.readAgain()
    await beginning
    await watcher.stop()
    expect(failures).toEqual([])
  })

  test('is not left half made: a change that fails ends the process', async () => {
    const { watcher, failures } = startWatching('alerter: {}', () => () => Promise.reject(new Error('the log is gone')))
    writeFileSync(file, 'alerter: {minimum_severity: info}')
    await watcher.readAgain()
    expect(failures).toEqual([new Error('the log is gone')])
  })
})
