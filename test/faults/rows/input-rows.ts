/** What comes in that should not: damage, disorder, too much; and states that are too large for the memory there is. */

import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import { encode } from '@lapwing/contracts/codec'
import type { Control } from '@lapwing/contracts/records'
import { sortedLabels } from '@lapwing/contracts/series'
import { encodeWrite, type WriteSeries } from '@lapwing/prometheus/remote-write-encoder'
import type { OutgoingRecord } from '@lapwing/stream/log'
import { eventually } from '../../eventually.ts'
import { replay } from '../checker/replay.ts'
import { judge } from '../checker/verdict.ts'
import { answerTo, damagedRecord, framedRandomBytes, manyBitsFlipped } from '../harness/damaged-records.ts'
import type { FaultRow } from '../harness/fault-row.ts'
import type { Rig } from '../harness/rig.ts'
import { asRecords, labelsOf, partitions, stepMs } from '../harness/workload.ts'

const seriesPerPartition = 500

export const inputRows: readonly FaultRow[] = [
  {
    number: 18,
    fault: 'damaged sample records between good ones; damaged buffers at its step',
    loadMs: { short: 10_000, long: 30_000 },
    disturb: async (rig) => {
      const producer = await rig.log.producer()
      for (let sent = 0; sent < damagedRecords; sent += damagedAtATime) {
        await producer.send(Array.from({ length: damagedAtATime }, () => damaged(rig)))
        await delay(100)
      }
      await producer.close()
      await fuzzStep(rig.form === 'long' ? 1_000_000 : 100_000, () => rig.random())
    },
    examine: (_rig, { counted }) => {
      const letters = [...counted]
        .filter(([reason]) => reason.startsWith('dead letter'))
        .reduce((sum, [, count]) => sum + count, 0)
      return letters === damagedRecords ? [] : [`${damagedRecords} records were damaged, ${letters} are dead letters`]
    },
  },
  {
    number: 22,
    fault: 'samples repeated, out of order, far future, far past, mixed steps',
    loadMs: { short: 10_000, long: 30_000 },
    disturb: async (rig) => {
      for (let act = 0; act < acts; act++) {
        await rig.acknowledged((act + 1) * 12)
        await disorder(rig, act)
      }
      const future = await metric(rig.ingestors[0]!.ready, 'lapwing_ingest_samples_dropped_total{.*reason="from_the_future"')
      if (future !== acts) throw new Error(`${future} samples count as from the future, not ${acts}`)
    },
    examine: (_rig, { counted }) => {
      const notNewer = counted.get('not_newer')
      return notNewer === acts * oldPerAct ? [] : [`${notNewer} samples count as not newer, not ${acts * oldPerAct}`]
    },
  },
  {
    number: 25,
    fault: '100,000 new series within a minute (short form 20,000)',
    loadMs: { short: 20_000, long: 60_000 },
    settings: [`detector.max_series_per_partition=${seriesPerPartition}`],
    ownSamples: true,
    disturb: async (rig) => {
      await rig.acknowledged(100)
      const bombs = rig.form === 'long' ? 100_000 : 20_000
      for (let first = 0; first < bombs; first += newSeriesAtATime) {
        const series = Array.from({ length: newSeriesAtATime }, (_, i) => strangerOf(rig, first + i))
        await rig.sender.send(series)
        await delay(rig.form === 'long' ? 800 : 400)
      }
    },
    examine: (rig, outcome) => {
      const base = rig.sender.acknowledged.filter(([first]) => first!.labels.some(({ value }) => value === 'load'))
      const calm = replay(asRecords(base), rig.config)
      const ofBase = new Map([...outcome.learned].filter(([id]) => calm.learned.has(id)))
      const bounds = { faultFree: calm, acknowledged: new Set<string>(), repeatsBound: undefined }
      const strangers = rig.form === 'long' ? 100_000 : 20_000
      const admitted = outcome.learned.size - ofBase.size
      const dropped = outcome.counted.get('series_limit') ?? 0
      return [
        ...judge({ ...outcome, learned: ofBase, repeatedScores: 0 }, bounds).violations,
        ...(admitted <= partitions * seriesPerPartition ? [] : [`${admitted} new series were taken in`]),
        ...(admitted + dropped === strangers ? [] : [`of ${strangers} new series ${admitted} were taken and ${dropped} counted`]),
      ]
    },
  },
  {
    number: 30,
    fault: 'control records: twice, stale, of unknown series, damaged (the detector has no use for them yet)',
    loadMs: { short: 6000, long: 20_000 },
    disturb: async (rig) => {
      const producer = await rig.log.producer()
      for (let times = 0; times < 10; times++) {
        await producer.send(controls(rig))
        await delay(200)
      }
      await producer.close()
    },
  },
  {
    number: 33,
    fault: 'state too large for the heap; then enough',
    loadMs: { short: 30_000, long: 45_000 },
    memoryBound: 1024 * 1024 * 1024,
    ownSamples: true,
    disturb: async (rig) => {
      for (let first = 0; first < manySeries; first += newSeriesAtATime) {
        await rig.sender.send(Array.from({ length: newSeriesAtATime }, (_, i) => strangerOf(rig, first + i)))
      }
      const written = async () =>
        (await rig.log.offsets(rig.topic('detector-state'))).reduce((sum, { next }) => sum + Number(next), 0)
      const what = 'row 33: the state of all series is written'
      await eventually(async () => (await written()) > manySeries, { what, deadlineMs: 240_000 })
      const [before] = rig.detectors
      rig.mayEnd(before!)
      await before!.stop()
      const small = rig.startDetector({ nodeFlags: [`--max-old-space-size=${smallHeap}`] })
      rig.mayEnd(small)
      const { code, signal } = await small.exited
      if (code === 0) throw new Error('a detector without memory ended as if all were well')
      process.stderr.write(`  row 33: the detector without memory ended with ${signal ?? code}\n`)
      await rig.takesOver(rig.startDetector())
    },
  },
]

const damagedRecords = 300
const damagedAtATime = 20
const newSeriesAtATime = 2000
/** The other rows have this process, too. */
const buffersAtATime = 200
const manySeries = 16_000
const acts = 20
const oldPerAct = 3
/** In megabytes: enough to start, not for the state. */
const smallHeap = 24

/** Between the records of the load; never one that happens to be readable. */
function damaged(rig: Rig): OutgoingRecord {
  const [good] = asRecords([rig.round(0)])
  for (;;) {
    const value = damagedRecord(good!.value!, () => rig.random())
    if (answerTo(value) === 'learned') continue
    return { topic: rig.topic('samples'), partition: Math.floor(rig.random() * partitions), key: null, value }
  }
}

/** Throws when bytes do more than be refused. What is readable by chance is counted: Avro has no checksum. */
async function fuzzStep(count: number, random: () => number): Promise<void> {
  const [good] = asRecords([[{ labels: labelsOf(0), timestampsMs: [1], values: [1], flags: [0] }]])
  const bytes = Buffer.from(good!.value!)
  let readable = 0
  for (let i = 0; i < count; i++) {
    const damage = i % 2 === 0 ? framedRandomBytes(bytes, random) : manyBitsFlipped(bytes, random)
    if (answerTo(damage) === 'learned') readable++
    if (i % buffersAtATime === 0) await nextTurn()
  }
  process.stderr.write(`  row 18: of ${count} damaged buffers ${readable} could be read as samples, all others were refused\n`)
}

/** One repeated, one older than the last, one from long ago, all of known series; and one from the far future. */
async function disorder(rig: Rig, act: number): Promise<void> {
  const { acknowledged } = rig.sender
  const at = rig.firstRoundMs + (acknowledged.length - 2) * stepMs
  const one = (series: number, timestampMs: number): WriteSeries => {
    return { labels: labelsOf(series), timestampsMs: [timestampMs], values: [1e6], flags: [0] }
  }
  const old = [one(act, at), one(act + 1, at - 500), one(act + 2, rig.firstRoundMs - 86_400_000)]
  if ((await rig.post(encodeWrite(old))) !== '204') throw new Error('old samples were refused')
  const future = await rig.post(encodeWrite([one(act + 3, rig.firstRoundMs + 86_400_000)]))
  if (future !== '400') throw new Error(`a sample from the far future was answered with ${future}`)
}

/** A series that nobody has seen before. */
function strangerOf(rig: Rig, number: number): WriteSeries {
  const labels = sortedLabels([
    ['__name__', 'stranger'],
    ['instance', `pod-${number}`],
    // A cohort of its own: what a series of a known cohort starts from depends on when others were known.
    ['job', `job-${number}`],
  ])
  return { labels, timestampsMs: [rig.firstRoundMs], values: [number], flags: [0] }
}

function controls(rig: Rig): OutgoingRecord[] {
  const control = (id: string, seriesKey: string, requestedAtMs: number): Control => ({
    ...{ id, kind: 'retrain', scope: `series:${seriesKey}`, reason: 'test', detector: 'adwin', statistic: 1, threshold: 0.5 },
    ...{ seriesKey, labels: [], requestedBy: 'drift', requestedAtMs },
  })
  const unknown = 'f'.repeat(32)
  const all = [control('a', unknown, rig.firstRoundMs), control('a', unknown, rig.firstRoundMs), control('b', unknown, 1)]
  const values = [...all.map((one) => encode('Control', one)), Buffer.from('not a control record')]
  return values.map((value, i) => ({ topic: rig.topic('control'), partition: i, key: Buffer.from(`key-${i}`), value }))
}

/** The sum over the lines of a metric, as the service tells it. */
async function metric(url: Promise<string>, pattern: string): Promise<number> {
  const text = await (await fetch(`${await url}/metrics`)).text()
  const lines = text.split('\n').filter((line) => new RegExp(`^${pattern}`).test(line))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}
