/**
 * A day in which 1,000 anomaly records come and at most twelve messages go: two series that flap, a machine that fails with all
 * of its 60 series, a deploy, the nightly backup that somebody muted, a disk that fills up, and much that is only worth recording.
 */
import { conservationBreaches } from '@lapwing/alerting/conservation'
import { flappingPolicy } from '@lapwing/alerting/flapping'
import { parseMatcher } from '@lapwing/alerting/matcher'
import type { Mute } from '@lapwing/alerting/mute'
import { timeZone } from '@lapwing/alerting/time-interval'
import type { Anomaly, Severity } from '@lapwing/contracts/records'
import { describe, expect, test } from 'vitest'
import { anomalyRecord } from '../testing/anomalies.ts'
import { routePolicy } from '../testing/routes.ts'
import { alerterSchema } from './config.ts'
import { routingTree } from './route-config.ts'
import { type SimulatedSetup, simulate } from './simulate.ts'

const minuteMs = 60_000
const dayMs = Date.parse('2026-01-05T00:00:00Z')
const at = (clock: string) => dayMs + (Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3))) * minuteMs

interface EpisodeOf {
  readonly series: string
  readonly instance: string
  readonly metric: string
  readonly fromMs: number
  readonly minutes: number
  readonly severity: Severity
  readonly worst?: Severity
  readonly score?: number
}

/** Opened, made worse half-way if it is to be, and resolved. */
function episode({ series, instance, metric, fromMs, minutes, severity, worst, score = 3 }: EpisodeOf): Anomaly[] {
  const endedAtMs = fromMs + minutes * minuteMs
  const id = `${series}@${fromMs}`
  const labels = [
    { name: '__name__', value: metric },
    { name: 'instance', value: instance },
  ]
  const own = { episodeId: id, seriesKey: series, entityKey: instance, metric, labels, startedAtMs: fromMs, score }
  const opened = anomalyRecord({ ...own, id: `${id}/opened`, severity, observedAtMs: fromMs })
  const last = worst ?? severity
  const resolved = {
    ...own,
    id: `${id}/resolved`,
    state: 'resolved',
    severity: last,
    observedAtMs: endedAtMs,
    endedAtMs,
  } as const
  const escalated = {
    ...own,
    id: `${id}/escalated`,
    state: 'escalated',
    severity: last,
    observedAtMs: (fromMs + endedAtMs) / 2,
  } as const
  return [opened, ...(worst ? [anomalyRecord(escalated)] : []), anomalyRecord(resolved)]
}

const many = (count: number, each: (i: number) => EpisodeOf) => Array.from({ length: count }, (_, i) => episode(each(i))).flat()

const flapping = [0, 1].flatMap((machine) =>
  many(60, (i) => ({
    ...{ series: `flap-${machine}`, instance: `cache-${machine}`, metric: 'cache_hit_ratio', severity: 'warning' },
    ...{ fromMs: at('08:00') + i * 6 * minuteMs, minutes: 2.5 },
  })),
)
const nodeFailure = many(60, (i) => ({
  ...{
    series: `node-7/${i}`,
    instance: 'node-7',
    metric: `metric_${i}`,
    severity: 'warning',
    worst: 'critical',
    score: 4 + i / 60,
  },
  ...{ fromMs: at('10:00') + Math.floor(i / 6) * 2000, minutes: 45 },
}))
const deploy = [
  ...many(80, (i) => ({
    ...{ series: `pod-${i}`, instance: `checkout-${i % 8}`, metric: `latency_${i % 10}`, severity: 'warning' },
    ...{ fromMs: at('14:00') + i * 1000, minutes: 1 },
  })),
  ...episode({
    ...{ series: 'errors', instance: 'checkout-3', metric: 'error_ratio', severity: 'warning', worst: 'critical', score: 9 },
    ...{ fromMs: at('14:02'), minutes: 30 },
  }),
]
const backup = many(60, (i) => ({
  ...{ series: `backup-${i}`, instance: `db-${i % 4}`, metric: 'node_disk_io', severity: 'warning' },
  ...{ fromMs: at('02:05') + i * minuteMs, minutes: 20, ...(i === 0 && { worst: 'critical' }) },
}))
const disk = episode({
  ...{ series: 'disk', instance: 'log-1', metric: 'disk_free', severity: 'warning', score: 2 },
  ...{ fromMs: at('18:00'), minutes: 120 },
})
const enough = 1000
const others = flapping.length + nodeFailure.length + deploy.length + backup.length + disk.length
const minor = many((enough - others) / 2, (i) => ({
  ...{ series: `minor-${i}`, instance: `web-${i % 20}`, metric: 'requests', severity: 'info' },
  ...{ fromMs: at('00:10') + i * 5 * minuteMs, minutes: 3 },
}))
const day = [...flapping, ...nodeFailure, ...deploy, ...backup, ...disk, ...minor].sort((a, b) => a.observedAtMs - b.observedAtMs)

const backupMute: Mute = {
  ...{ id: 'nightly-backup', author: 'ada', comment: 'backups', windows: null },
  matchers: [parseMatcher('instance=~"db-.*"')],
  startsAtMs: at('00:00'),
  endsAtMs: at('00:00') + 300 * 24 * 60 * minuteMs,
  intervals: [{ times: [{ from: 120, to: 240 }], weekdays: [], daysOfMonth: [], months: [], zone: timeZone('UTC') }],
}
const setup: SimulatedSetup = {
  decision: { minimumSeverity: 'warning', flapping: flappingPolicy(60 * minuteMs) },
  tree: routingTree(alerterSchema.parse({}).route),
  policyOf: () => ({ ...routePolicy, minimumDurationMs: 2 * minuteMs, groupWaitMs: minuteMs / 2 }),
  rateLimit: undefined,
  mutes: { own: () => [backupMute], all: () => [backupMute] },
  afterwardsMs: 24 * 60 * minuteMs,
}

describe('a day of 1,000 anomaly records', () => {
  const { messages, outcomes, pending } = simulate(day, setup)
  const told = messages.map(({ atMs, state, severity, episodes }) => {
    const clock = new Date(atMs).toISOString().slice(11, 16)
    return `${clock} ${state} ${severity} ${new Set(episodes.map((id) => id.split(/[/@]/)[0])).size > 1 ? 'several' : episodes[0]?.split('@')[0]} (${episodes.length})`
  })

  test('is a day of 1,000', () => {
    expect(day).toHaveLength(enough)
    expect(new Set(day.map(({ id }) => id)).size).toBe(enough)
  })

  test('makes at most twelve messages', () => {
    expect(messages.length, told.join('\n')).toBeLessThanOrEqual(12)
  })

  test.each([
    ['the machine that failed', nodeFailure],
    ['the error ratio after the deploy', deploy.slice(-3)],
    ['the disk', disk],
  ])('tells the beginning and the end of %s, at its worst severity', (_, records) => {
    const episodes = new Set(records.map(({ episodeId }) => episodeId))
    const own = messages.filter((message) => message.episodes.some((id) => episodes.has(id)))
    expect(own.at(-1)?.state).toBe('resolved')
    const worst = records.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning'
    expect(own.find(({ state, severity }) => state === 'firing' && severity === worst)).toBeDefined()
    const delays = own[0]!.atMs - Math.min(...records.map(({ startedAtMs }) => startedAtMs))
    expect(delays).toBeLessThanOrEqual(2.5 * minuteMs)
  })

  test('explains everything else, record by record', () => {
    const count = (reason: string) => outcomes.filter((outcome) => outcome.reason === reason).length
    const reasonOf = new Map(outcomes.map(({ recordId, reason }) => [recordId, reason]))
    expect(
      conservationBreaches(
        day.map(({ id }) => id),
        outcomes,
        [],
      ),
    ).toEqual([])
    expect(pending).toBe(0)
    expect(new Set(backup.map(({ id }) => reasonOf.get(id)))).toEqual(new Set(['muted']))
    expect(new Set(minor.map(({ id }) => reasonOf.get(id)))).toEqual(new Set(['below_severity']))
    expect(new Set(deploy.slice(0, -3).map(({ id }) => reasonOf.get(id)))).toEqual(new Set(['too_short']))
    expect(count('flapping')).toBeGreaterThan(150)
    expect(count('other')).toBe(0)
  })
})
