/** Anomaly records for tests, and what became of them. */
import { conservationBreaches, type RecordOutcome } from '@lapwing/alerting/conservation'
import { decode, encode } from '@lapwing/contracts/codec'
import type { Anomaly, Feedback, Notification, PodEvent } from '@lapwing/contracts/records'
import { topicName } from '@lapwing/contracts/topics'
import type { Log } from '@lapwing/stream/log'

const startedAtMs = Date.parse('2026-01-05T10:00:00Z')

/** A warning of the load of a node, one minute into it. */
export function anomalyRecord(differences: Partial<Anomaly>): Anomaly {
  return {
    id: 'anomaly-1',
    episodeId: 'episode-1',
    state: 'open',
    severity: 'warning',
    seriesKey: 'series-1',
    entityKey: 'entity-1',
    metric: 'node_load1',
    labels: [
      { name: '__name__', value: 'node_load1' },
      { name: 'instance', value: 'node-1:9100' },
    ],
    source: 'test',
    model: 'half-space-trees',
    startedAtMs,
    observedAtMs: startedAtMs + 60_000,
    endedAtMs: null,
    value: 12.5,
    expected: 0.8,
    lower: 0.2,
    upper: 1.9,
    score: 2.4,
    peakScore: 2.4,
    confidence: 0.9,
    reasons: [{ name: 'level', share: 1 }],
    suppressedBy: '',
    signature: null,
    endReason: '',
    ...differences,
  }
}

/** The three records of an episode of a series of its own, on a machine of its own. */
export function episode(id: string): { opened: Anomaly; escalated: Anomaly; resolved: Anomaly } {
  const labels = [
    { name: '__name__', value: 'node_load1' },
    { name: 'instance', value: `node-${id}:9100` },
  ]
  const own = { episodeId: id, seriesKey: `series-of-${id}`, labels }
  const endedAtMs = startedAtMs + 180_000
  return {
    opened: anomalyRecord({ ...own, id: `${id}/opened` }),
    escalated: anomalyRecord({
      ...own,
      id: `${id}/escalated`,
      state: 'escalated',
      severity: 'critical',
      observedAtMs: startedAtMs + 120_000,
    }),
    resolved: anomalyRecord({
      ...own,
      id: `${id}/resolved`,
      state: 'resolved',
      severity: 'critical',
      observedAtMs: endedAtMs,
      endedAtMs,
    }),
  }
}

/** Of the topics; its own for each process, because tests on Kafka share a broker. */
export const prefix = `alerter-test-${process.pid}`

export async function sendAnomalies(log: Log, ...anomalies: readonly Anomaly[]): Promise<void> {
  const producer = await log.producer()
  const topic = topicName(prefix, 'anomalies')
  await producer.send(
    anomalies.map((anomaly) => ({ topic, partition: 0, key: Buffer.from(anomaly.entityKey), value: encode('Anomaly', anomaly) })),
  )
  await producer.close()
}

/** A container that was killed for its memory. */
export async function sendPodEvent(log: Log, differences: Partial<PodEvent>): Promise<void> {
  const killed = { kind: 'container_ended', container: 'app', reason: 'OOMKilled', exitCode: 137, restarts: 0 } as const
  const event = { id: 'event-1', ...killed, namespace: '', pod: '', node: '', message: '', atMs: 0, ...differences }
  const producer = await log.producer()
  await producer.send([{ topic: topicName(prefix, 'pod-events'), partition: 0, key: null, value: encode('PodEvent', event) }])
  await producer.close()
}

let verdictsSent = 0

/** What a person says of an anomaly, onto its topic. */
export async function sendVerdict(log: Log, anomaly: Anomaly, differences: Partial<Feedback>): Promise<void> {
  const { id: anomalyId, episodeId, seriesKey, startedAtMs, signature } = anomaly
  const said = { id: `verdict-${++verdictsSent}`, verdict: 'false_alarm', author: 'test', comment: '', origin: 'cli' } as const
  const feedback = {
    ...said,
    anomalyId,
    episodeId,
    seriesKey,
    startedAtMs,
    signature,
    atMs: Date.now(),
    untilMs: null,
    ...differences,
  }
  const producer = await log.producer()
  const record = { partition: 0, key: Buffer.from(anomalyId), value: encode('Feedback', feedback) }
  await producer.send([{ topic: topicName(prefix, 'feedback'), ...record }])
  await producer.close()
}

export async function notificationsOf(log: Log, receiver: string): Promise<Notification[]> {
  const records = await log.readToEnd(topicName(prefix, 'notifications'))
  return records.map(({ value }) => decode('Notification', value!)).filter((notification) => notification.receiver === receiver)
}

/** Breaches of the conservation law for these anomalies when nothing may be pending any more. */
export async function settledBreaches(log: Log, receiver: string, anomalies: readonly Anomaly[]): Promise<string[]> {
  const outcomes = (await notificationsOf(log, receiver)).filter(({ outcome }) => outcome !== 'pending')
  const final = outcomes.map(({ anomalyId, outcome }) => ({ recordId: anomalyId, outcome }) as RecordOutcome)
  return conservationBreaches(
    anomalies.map(({ id }) => id),
    final,
    [],
  )
}
