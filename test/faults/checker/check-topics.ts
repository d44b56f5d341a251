/**
 * `node --import tsx test/faults/checker/check-topics.ts [--config FILE] [--set section.key=value …] [--reference PREFIX]
 *  [--acknowledged FILE] [--repeats-bound N] [--secret TEXT] [--json]`
 *
 * Reads the topics of a deployment whose detectors have stopped, on any broker (KAFKA_BROKERS or `kafka.brokers`), and says whether
 * its promises were kept. What should be there comes from the topics of another run (`--reference`, its prefix), else from its own
 * samples, scored once more without faults. FILE holds what a sender knows to be acknowledged, a sample a line: series key
 * in 32 hexadecimal digits, slash, milliseconds since the epoch.
 *
 * Exit codes: 0 all kept, 1 something was not, 2 it could not be told.
 */
import { readFileSync } from 'node:fs'
import { topicSpecs } from '@lapwing/contracts/topics'
import { detectorSchema } from '@lapwing/detector/config'
import { commonSections, loadConfig } from '@lapwing/service/config'
import { createKafkaLog } from '@lapwing/stream/kafka-log'
import { Kafka, logLevel } from 'kafkajs'
import { readArguments } from '../../../scripts/arguments.mjs'
import { readOutcome } from './outcome.ts'
import { detectorLag, readTopics, topicsWithText } from './read-topics.ts'
import { replay } from './replay.ts'
import { markersGoingBack, stateProblems } from './state-check.ts'
import { judge, type Verdict } from './verdict.ts'

const usage = `node --import tsx test/faults/checker/check-topics.ts [OPTIONS]: whether the promises of a deployment were kept, read from its topics.

--config FILE          its configuration; --set section.key=value is laid over it
--reference PREFIX     topics of another run to compare with; without, its own samples are scored once more
--acknowledged FILE    what a sender knows to be acknowledged: SERIES KEY/MILLISECONDS, a line each
--repeats-bound N      how many repeated records are allowed
--secret TEXT          must stand on no topic
--json                 one JSON object`
const { values: flags } = readArguments(usage, {
  options: {
    config: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
    reference: { type: 'string' },
    acknowledged: { type: 'string' },
    'repeats-bound': { type: 'string' },
    secret: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const silent = { debug: () => {}, warn: () => {}, error: () => {} }

try {
  const verdict = await check()
  process.stdout.write(flags.json ? `${JSON.stringify(verdict)}\n` : asText(verdict))
  process.exitCode = verdict.violations.length > 0 ? 1 : 0
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 2
}

async function check(): Promise<Verdict> {
  const layers = { file: flags.config, environment: process.env, sets: flags.set }
  const { kafka, detector } = loadConfig({ ...commonSections, detector: detectorSchema }, layers)
  const { brokers, topic_prefix: prefix, partitions } = kafka
  const log = createKafkaLog({ brokers, clientId: 'lapwing-check', logger: silent })
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  try {
    await admin.connect()
    const topics = await readTopics(log, prefix)
    const outcome = readOutcome(topics)
    const reference = flags.reference ? readOutcome(await readTopics(log, flags.reference)) : replay(topics.samples, detector)
    const verdict = judge(outcome, {
      faultFree: reference,
      acknowledged: flags.acknowledged ? acknowledgedIn(flags.acknowledged) : outcome.onTopic,
      repeatsBound: flags['repeats-bound'] === undefined ? undefined : Number(flags['repeats-bound']),
    })
    const lag = await detectorLag(log, admin, prefix)
    const names = topicSpecs(prefix, partitions).map(({ topic }) => topic)
    const told = flags.secret ? await topicsWithText(log, names, flags.secret) : []
    const others = [
      ...(lag > 0n ? [`I6 ${lag} records are behind the position of the detectors`] : []),
      ...told.map((topic) => `I8 the secret stands on ${topic}`),
      ...stateProblems(topics.state, topics.nextOffsets),
      ...markersGoingBack(topics.state),
    ]
    return { ...verdict, violations: [...verdict.violations, ...others] }
  } finally {
    await admin.disconnect()
    await log.close()
  }
}

function acknowledgedIn(file: string): Set<string> {
  return new Set(readFileSync(file, 'utf8').split('\n').filter(Boolean))
}

function asText({ samplesIn, learned, differing, repeats, violations }: Verdict): string {
  const summary = `${samplesIn} samples in, ${learned} learned, ${differing} scores differ, ${repeats} score records repeated`
  return `${[summary, ...(violations.length > 0 ? violations : ['every promise was kept'])].join('\n')}\n`
}
