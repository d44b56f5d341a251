/** The canary of a running reporter: its page, and what its metrics say of faults that were found and of one that was not. */
import { canaryMetric } from '@lapwing/contracts/series'
import { canaryCount, canaryFaultKind, canaryFaults } from '@lapwing/evaluation/canary'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anomaly } from '../testing/records.ts'
import { type RunningReporter, runReporter, until } from '../testing/running-reporter.ts'
import { labelled, scoreBatch } from '../testing/score-batch.ts'

const nowMs = Date.now()
const dayMs = 86_400_000
const minuteMs = 60_000
const labelsOf = (canary: number) => labelled(canaryMetric, { canary: String(canary), instance: 'reporter:8080' })

/** Of each canary the fault of the last week, unless it is of the last hour or about to leave the week. */
const faults = Array.from({ length: canaryCount }, (_, canary) => {
  const [fault] = canaryFaults(canary, nowMs - 7 * dayMs + 10 * minuteMs, nowMs - 60 * minuteMs)
  return { canary, kind: canaryFaultKind(canary), fault }
}).filter(({ fault }) => fault !== undefined)
const [missed, ...found] = faults

describe('the canary', () => {
  let reporter: RunningReporter

  beforeAll(async () => {
    reporter = await runReporter()
    const samples = [nowMs - 9 * dayMs, nowMs - minuteMs].map((timestampMs) => ({ timestampMs, value: 100 }))
    await reporter.write('ScoreBatch', [scoreBatch(faults.map(({ canary }) => ({ labels: labelsOf(canary), samples })))])
    const opened = found.map(({ canary, fault }) =>
      anomaly({
        ...{ id: `of-${canary}`, episodeId: `of-${canary}`, labels: labelsOf(canary), startedAtMs: fault!.fromMs },
        observedAtMs: fault!.fromMs + minuteMs,
      }),
    )
    const early = {
      id: 'early',
      episodeId: 'early',
      labels: labelsOf(missed!.canary),
      startedAtMs: missed!.fault!.fromMs - 5 * minuteMs,
    }
    await reporter.write('Anomaly', [...opened, anomaly(early)])
  })
  afterAll(() => reporter.close())

  test('is on a page that Prometheus can scrape', async () => {
    const answer = await fetch(`${reporter.url}/metrics/canary`)
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0.0.4/)
    expect(await answer.text()).toMatch(
      /^# HELP [^\n]+\n# TYPE lapwing_canary_value gauge\n(lapwing_canary_value\{canary="\d+"\} [\d.]+\n)+$/,
    )
  })

  test('has as many faults as there were, and those found in which an episode began', async () => {
    expect(faults.length).toBeGreaterThan(canaryCount - 4)
    const counted = await until(
      async () => metricsOf(await (await fetch(`${reporter.url}/metrics`)).text()),
      ({ found: all }) => all === found.length,
    )
    expect(counted).toEqual({ faults: faults.length, found: found.length })
  })

  test('says nothing of delays that nobody could have measured', async () => {
    const text = await (await fetch(`${reporter.url}/metrics`)).text()
    expect(text).toContain('# TYPE lapwing_canary_delay_seconds histogram')
    expect(text).not.toMatch(/lapwing_canary_delay_seconds_count\{/)
  })
})

function metricsOf(text: string): { faults: number; found: number } {
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}\\{[^}]*\\} (\\d+)$`, 'gm'))].reduce((total, [, value]) => total + Number(value), 0)
  return { faults: sum('lapwing_canary_faults'), found: sum('lapwing_canary_faults_found') }
}
