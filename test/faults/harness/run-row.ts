/** Runs a row and holds what came of it to every promise. */
import { decode } from '@lapwing/contracts/codec'
import { topicSpecs } from '@lapwing/contracts/topics'
import { eachSample, readOutcome } from '../checker/outcome.ts'
import { detectorLag, readTopics, topicsWithText } from '../checker/read-topics.ts'
import { repeatsBound } from '../checker/repeats-bound.ts'
import { replay } from '../checker/replay.ts'
import { markersGoingBack, stateProblems } from '../checker/state-check.ts'
import { judge, told } from '../checker/verdict.ts'
import type { FaultRow, RowResult } from './fault-row.ts'
import type { Hall } from './hall.ts'
import { canary, Rig } from './rig.ts'
import { sampleIds } from './sender.ts'
import { asRecords, partitions } from './workload.ts'

/** A row that could not be run to its end is a result, too. */
export async function runRow(row: FaultRow, hall: Hall): Promise<RowResult> {
  const startMs = performance.now()
  const result = await tryRow(row, hall).catch((error: Error) => unfinished(row, error))
  return { ...result, seconds: (performance.now() - startMs) / 1000 }
}

async function tryRow(row: FaultRow, hall: Hall): Promise<RowResult> {
  const rig = await Rig.open(row, hall)
  try {
    const result = await runToItsEnd(row, rig).catch((error: Error) => unfinished(row, error))
    return result.violations.length > 0 ? { ...result, story: rig.story() } : result
  } finally {
    await rig.close()
  }
}

async function runToItsEnd(row: FaultRow, rig: Rig): Promise<RowResult> {
  await (row.start ?? startUsual)(rig)
  await disturbUnderLoad(row, rig)
  await rig.settle()
  await rig.closingRound()
  const ends = await rig.stopServices()
  const result = await examine(row, rig)
  return { ...result, violations: [...ends, ...result.violations] }
}

function unfinished({ number, fault }: FaultRow, error: Error): RowResult {
  const nothing = { samplesIn: 0, learned: 0, differing: 0, anomalies: 0, anomaliesMissing: 0, anomaliesExtra: 0, repeats: 0 }
  return {
    number,
    fault,
    ...nothing,
    repeatsBound: undefined,
    counted: {},
    seconds: 0,
    violations: [`not finished: ${error.message}`],
  }
}

export async function startUsual(rig: Rig): Promise<void> {
  await rig.startIngestor()
  await rig.startDetector().ready
}

async function disturbUnderLoad(row: FaultRow, rig: Rig): Promise<void> {
  const hurry = new AbortController()
  const load = rig.sendLoad(hurry.signal)
  try {
    await Promise.race([row.disturb(rig), load.then(() => new Promise<never>(() => {}))])
  } catch (error) {
    rig.sender.stop()
    hurry.abort()
    await load.catch(() => {})
    throw error
  }
  hurry.abort()
  await load
}

/** In bytes: several times of what a detector of this load needs. */
const usualMemoryBound = 512 * 1024 * 1024

async function examine(row: FaultRow, rig: Rig): Promise<RowResult> {
  const topics = await readTopics(rig.log, rig.prefix)
  const samples = [...rig.gone.learned, ...topics.samples]
  const outcome = readOutcome({ ...topics, samples })
  const { acknowledged } = rig.sender
  const faultFree = replay(row.ownSamples ? samples : asRecords(acknowledged), rig.config)
  const verdict = judge(outcome, {
    faultFree,
    acknowledged: stillThere(sampleIds(acknowledged), rig),
    repeatsBound: repeatsBound(topics.scores, rig.takeOvers(), rig.config.checkpoint_interval.ms),
  })
  const violations = [
    ...verdict.violations,
    ...(faultFree.anomalies.size < 10 ? ['the load has too few anomalies to lose'] : []),
    ...stateProblems(topics.state, topics.nextOffsets),
    ...(row.stateMayGoBack ? [] : markersGoingBack(topics.state)),
    ...(await othersOf(row, rig)),
    ...((await row.examine?.(rig, outcome)) ?? []),
  ]
  return {
    number: row.number,
    fault: row.fault,
    samplesIn: verdict.samplesIn,
    learned: verdict.learned,
    differing: verdict.differing,
    anomalies: faultFree.anomalies.size,
    anomaliesMissing: verdict.anomaliesMissing,
    anomaliesExtra: verdict.anomaliesExtra,
    repeats: verdict.repeats,
    repeatsBound: verdict.repeatsBound,
    counted: Object.fromEntries(outcome.counted),
    seconds: 0,
    violations,
  }
}

/** Without those that retention took before they were learned. */
function stillThere(ids: Set<string>, rig: Rig): Set<string> {
  for (const { value } of rig.gone.neverLearned) {
    eachSample(decode('SampleBatch', value!), (series, timestampMs) => ids.delete(`${series}/${timestampMs}`))
  }
  return ids
}

/** Lag, memory and secrets. */
async function othersOf({ memoryBound = usualMemoryBound }: FaultRow, rig: Rig): Promise<string[]> {
  const services = [...rig.detectors, ...rig.ingestors]
  const lag = await detectorLag(rig.log, rig.admin, rig.prefix)
  const names = topicSpecs(rig.prefix, partitions).map(({ topic }) => topic)
  const large = services.map((service) => service.peakBytes()).filter((bytes) => bytes > memoryBound)
  const telling = services.filter((service) => service.output().includes(canary)).map(({ pid }) => `process ${pid}`)
  return [
    ...(lag > 0n ? [`I6 ${lag} records are behind the position of the detectors`] : []),
    ...told(
      'I7 processes took more memory than they may',
      large.map((bytes) => `${Math.round(bytes / 1e6)} MB`),
    ),
    ...told('I8 a secret was told', [...telling, ...(await topicsWithText(rig.log, names, canary))]),
  ]
}
