/** Verdicts for tests, as a person would give them on an anomaly. */
import { encode } from '@lapwing/contracts/codec'
import type { Anomaly, Feedback } from '@lapwing/contracts/records'

export function feedbackOn(anomaly: Anomaly, differences: Partial<Feedback> = {}): Feedback {
  const { id, episodeId, seriesKey, startedAtMs, signature } = anomaly
  return {
    id: `verdict on ${id}`,
    anomalyId: id,
    episodeId,
    seriesKey,
    verdict: 'false_alarm',
    author: 'test',
    comment: '',
    origin: 'cli',
    atMs: 0,
    untilMs: null,
    startedAtMs,
    signature,
    ...differences,
  }
}

/** Key and value of the record; a verdict of nothing is a tombstone. */
export function feedbackRecord(feedback: Feedback, { isTombstone = false } = {}): { key: Buffer; value: Buffer | null } {
  return { key: Buffer.from(feedback.anomalyId), value: isTombstone ? null : encode('Feedback', feedback) }
}
