/** Evaluation of what lies on a log, and of scored files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { anomalyRecord, prefix, sendAnomalies } from '@lapwing/alerter/testing/anomalies'
import { encode } from '@lapwing/contracts/codec'
import { topicName, topicSpecs } from '@lapwing/contracts/topics'
import { createInProcessLog } from '@lapwing/stream/in-process-log'
import { afterAll, describe, expect, test } from 'vitest'
import { evaluateLog, evaluateScored, keptText } from './evaluate.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-evaluate-'))
const labels = join(folder, 'labels.yaml')
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const startedAtMs = Date.parse('2026-01-05T10:00:00Z')
const nowMs = startedAtMs + 3_600_000

async function logWithEpisodes() {
  const log = createInProcessLog()
  await log.ensureTopics(topicSpecs(prefix, 2))
  const labelsOf = (instance: string) => [
    { name: '__name__', value: 'node_load1' },
    { name: 'instance', value: instance },
  ]
  await sendAnomalies(
    log,
    anomalyRecord({ id: 'right/1', episodeId: 'right', labels: labelsOf('a'), startedAtMs, observedAtMs: startedAtMs + 60_000 }),
    anomalyRecord({ id: 'wrong/1', episodeId: 'wrong', labels: labelsOf('b'), startedAtMs, observedAtMs: startedAtMs + 60_000 }),
  )
  const producer = await log.producer()
  const verdict = {
    ...{
      id: 'v',
      anomalyId: 'wrong/1',
      episodeId: 'wrong',
      seriesKey: '',
      verdict: 'false_alarm' as const,
      author: 'ada',
      comment: '',
    },
    ...{ origin: 'cli', atMs: nowMs, untilMs: null, startedAtMs, signature: null },
  }
  await producer.send([
    { topic: topicName(prefix, 'feedback'), partition: 0, key: Buffer.from('v'), value: encode('Feedback', verdict) },
  ])
  return log
}

describe('evaluating a log', () => {
  const options = { from: '-1d', to: 'now', all: true, json: true }
  async function output(more: object): Promise<string> {
    const log = await logWithEpisodes()
    let text = ''
    const write = (part: string) => {
      text += part
    }
    await evaluateLog({ log, prefix, write }, { ...options, ...more }, nowMs)
    return text
  }

  test('goes by labels and by verdicts', async () => {
    writeFileSync(
      labels,
      'labels:\n  - series: node_load1{instance="a"}\n    from: 2026-01-05T10:00:00Z\n    to: 2026-01-05T10:10:00Z\n',
    )
    const { all, bySeries } = JSON.parse(await output({ labels }))
    expect(all).toMatchObject({
      episodes: 2,
      byLabels: { precision: 0.5, recall: 1, medianDelayMs: 60_000, falseAlarmsPerDay: 1 },
      byVerdicts: { judged: 1, right: 0, precision: 0 },
    })
    expect(bySeries).toHaveLength(2)
  })

  test('goes by faults that were put in, by kind, of their series only', async () => {
    const faults = join(folder, 'faults.yaml')
    const fault = (series: string, kind: string) =>
      `  - {series: 'node_load1{instance="${series}"}', from: 2026-01-05T10:00:00Z, to: 2026-01-05T10:10:00Z, kind: ${kind}}\n`
    writeFileSync(faults, `labels:\n${fault('a', 'jump')}${fault('c', 'silence')}`)
    const { all, byFault } = JSON.parse(await output({ faults, all: false }))
    expect(all).toMatchObject({ episodes: 1, byLabels: { precision: 1, recall: 0.5 } })
    expect(byFault).toEqual([
      { kind: 'jump', faults: 1, found: 1, medianDelayMs: 60_000, p95DelayMs: 60_000 },
      { kind: 'silence', faults: 1, found: 0, medianDelayMs: null, p95DelayMs: null },
    ])
    expect(await output({ faults, json: false })).toMatch(/\nFAULT +FAULTS .*\njump +1 +1 +1.000 +60 s/)
    await expect(output({ faults, labels })).rejects.toThrow('--labels, --faults: expected one of them')
  })

  test('is kept, and shown over time', async () => {
    const keep = join(folder, 'accuracy.jsonl')
    await output({ labels, keep })
    await output({ labels, keep })
    const text = await output({ labels, keep, from: '-2h', json: false })
    expect(text).toMatch(/WHEN +EPISODES +PRECISION/)
    expect(text).toMatch(/2026-01-04T11:00 to 2026-01-05T11:00 +2 +0.500 +1.000/)
    expect(text.match(/ to 2026-01-05T11:00/g)).toHaveLength(2)
    expect(keptText(keep, false)).toMatch(/course +▁▁ +▁▁/)
    expect(keptText(keep, true).split('\n')).toHaveLength(3)
    writeFileSync(keep, '{}\n')
    expect(() => keptText(keep, false)).toThrow(/accuracy.jsonl:1: expected an evaluation that was kept/)
    expect(() => keptText(join(folder, 'none'), false)).toThrow(/--history: .*none is not there/)
  })

  test('prints a table for each way to group', async () => {
    expect(await output({ json: false })).toMatch(/^2026-01-04 11:00 to 2026-01-05 11:00\n\n.*\nall +2 +- +- /)
  })
})

describe('evaluating scored rows', () => {
  const scored = join(folder, 'scored.csv')
  const row = (minute: number, score: number, inEpisode: number) =>
    `"up{instance=""a"",job=""x""}",2026-01-05T10:0${minute}:00.000Z,1,${score},0,2,${inEpisode}\n`

  test('is sample by sample, against the labels of their series', () => {
    const rows = [row(0, 0, 0), row(1, 3, 1), row(2, 2, 1), row(3, 0, 0)]
    writeFileSync(scored, `series,timestamp,value,anomaly_score,lower,upper,in_episode\n${rows.join('')}`)
    writeFileSync(
      labels,
      'labels:\n  - series: up{instance="a",job="x"}\n    from: 2026-01-05T10:01:00Z\n    to: 2026-01-05T10:01:30Z\n',
    )
    expect(JSON.parse(evaluateScored(scored, labels, true))).toMatchObject({
      matrix: { truePositives: 1, falsePositives: 1, falseNegatives: 0, trueNegatives: 2 },
      bySeries: [{ name: 'up{instance="a",job="x"}', averagePrecision: 1 }],
    })
    expect(evaluateScored(scored, labels, false)).toContain('VUS-PR')
  })

  test('refuses what is no such file, and labels of series that are not in it, by file and line', () => {
    writeFileSync(scored, 'timestamp,value\n')
    expect(() => evaluateScored(scored, labels, true)).toThrow(/scored.csv:1: expected a header line with the columns series/)
    expect(() => evaluateScored(scored, undefined, true)).toThrow(/--labels/)
  })
})
