/** The course of a series from a real Prometheus, with a past written by promtool. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Alert } from '@lapwing/contracts/records'
import { freePort } from '@lapwing/kafka-server/free-port'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { anomalyRecord } from '../testing/anomalies.ts'
import { eventually } from '../testing/eventually.ts'
import { decideAlert } from './decide-alert.ts'
import { createWindowSource } from './window-source.ts'

const programs = ['/usr/bin/prometheus', '/usr/bin/promtool'] as const
const isInstalled = programs.every(existsSync)
const policy = { minimumSeverity: 'warning', flapping: { slots: 20, slotMs: 1000, startRatio: 0.5, stopRatio: 0.25 } } as const
const stepMs = 30_000
const signal = new AbortController().signal
const silent = pino({ enabled: false })

/** Quarter of an hour of 1, and 9 from the beginning of the episode on, with a gap before it. */
async function prometheusWith(alert: Alert): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lapwing-window-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const samples: string[] = []
  for (let atMs = alert.startedAtMs - 30 * 60_000; atMs <= alert.observedAtMs; atMs += 15_000) {
    const isGap = atMs > alert.startedAtMs - 600_000 && atMs < alert.startedAtMs - 60_000
    const value = atMs >= alert.startedAtMs ? 9 : 1
    if (!isGap) samples.push(`node_load1{instance="node-1:9100"} ${value} ${atMs / 1000}`)
  }
  await writeFile(join(folder, 'past.txt'), `# TYPE node_load1 gauge\n${samples.join('\n')}\n# EOF\n`)
  execFileSync(programs[1], ['tsdb', 'create-blocks-from', 'openmetrics', join(folder, 'past.txt'), join(folder, 'data')])
  await writeFile(join(folder, 'prometheus.yml'), '{}')
  const port = await freePort()
  const child = spawn(
    programs[0],
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  )
  onTestFinished(() => ended(child))
  const url = `http://127.0.0.1:${port}`
  await eventually(async () => expect((await fetch(`${url}/-/ready`)).ok).toBe(true), 30_000)
  return url
}

function ended(child: ChildProcess): Promise<void> {
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGKILL')
  return exited
}

describe.skipIf(!isInstalled)('the course of a series', () => {
  const observedAtMs = Math.floor((Date.now() - 600_000) / stepMs) * stepMs
  const alert = decideAlert(anomalyRecord({ startedAtMs: observedAtMs - 4 * stepMs, observedAtMs }), undefined, policy).alert

  test('is had from Prometheus, gaps and all, up to the newest sample that is known', { timeout: 60_000 }, async () => {
    const windowOf = createWindowSource(await prometheusWith(alert), silent)
    await eventually(async () => {
      const { values: window, startMs, stepMs: everyMs } = await windowOf(alert, signal)
      expect(window).toHaveLength(30)
      expect(window.slice(-3)).toEqual([9, 9, 9])
      expect(window[0]).toBe(1)
      expect(window.some(Number.isNaN)).toBe(true)
      const newestMs = startMs + 29 * everyMs
      expect(newestMs).toBeLessThanOrEqual(observedAtMs)
      expect(newestMs).toBeGreaterThan(observedAtMs - everyMs)
    }, 30_000)
    expect(await windowOf({ ...alert, labels: [{ name: '__name__', value: 'nothing' }] }, signal)).toMatchObject({ values: [] })
    expect(await windowOf({ ...alert, labels: [{ name: 'instance', value: 'node-1:9100' }] }, signal)).toMatchObject({
      values: [],
    })
  })

  test('is left out when Prometheus cannot be had', async () => {
    expect(await createWindowSource(`http://127.0.0.1:${await freePort()}`, silent)(alert, signal)).toMatchObject({ values: [] })
  })
})
