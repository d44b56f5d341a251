/**
 * What the topics of a run add up to, sample by sample: learned with these bits, or counted with a reason, or left without an answer.
 *
 * A sample is told by its series key and its time. Of the copies of a score record (a replay writes them again) all must be the
 * same bytes; a copy that differs means that something was learned twice or from another state.
 *
 * Which samples are repeats is decided here from the order of the samples topic alone, so that the detector's word for it is not
 * needed: whatever it wrote for a sample that is newer than the last of its series counts as that sample's score.
 */
import { decode, decodeIfReadable } from '@lapwing/contracts/codec'
import { ColumnError, float64Column, uint32Column } from '@lapwing/contracts/columns'
import type { Anomaly, SampleBatch, ScoreBatch } from '@lapwing/contracts/records'
import { seriesText } from '@lapwing/contracts/series'
import { seriesStates } from '@lapwing/contracts/series-state'
import { keyText } from '@lapwing/contracts/series-table'
import type { LogRecord } from '@lapwing/stream/log'

/** Records as they stand on the topics, in order within each partition. */
export interface RunRecords {
  readonly samples: readonly LogRecord[]
  readonly scores: readonly LogRecord[]
  readonly anomalies: readonly LogRecord[]
  readonly deadLetters: readonly LogRecord[]
}

export interface Outcome {
  /** Every sample on the samples topic that can be read, repeats once. */
  readonly onTopic: ReadonlySet<string>
  /** Bits of score, band and confidence of each sample that was learned. */
  readonly learned: ReadonlyMap<string, string>
  /** Samples, and for dead letters records, that were not learned, by reason. */
  readonly counted: ReadonlyMap<string, number>
  /** Sample records (`partition/offset`) with neither scores nor a dead letter. */
  readonly unanswered: readonly string[]
  /** Sample records whose score records are not all the same bytes. */
  readonly conflicting: readonly string[]
  /** What each anomaly record says, by its id. */
  readonly anomalies: ReadonlyMap<string, string>
  /** Score records beyond the first of their sample record. */
  readonly repeatedScores: number
  /** Anomaly records beyond the first of their id. */
  readonly repeatedAnomalies: number
}

export function readOutcome({ samples, scores, anomalies, deadLetters }: RunRecords): Outcome {
  const { bySource, conflicting } = groupScores(scores)
  const records = anomalies.map(({ value }) => decode('Anomaly', value!))
  const byId = new Map(records.map((record) => [record.id, anomalyText(record)]))
  const answers = answerSamples(samples, bySource, reasonsOf(deadLetters))
  return {
    ...answers,
    conflicting,
    anomalies: byId,
    repeatedScores: scores.length - bySource.size,
    repeatedAnomalies: records.length - byId.size,
  }
}

function anomalyText({ id, state, severity, labels, startedAtMs, observedAtMs, endReason }: Anomaly): string {
  const episode = `of ${new Date(startedAtMs).toISOString()}, ${severity}${endReason && `, ${endReason}`}`
  return `${id}: ${seriesText(labels)} ${state} at ${new Date(observedAtMs).toISOString()}, ${episode}`
}

/** The first score record of each sample record, and those with copies that differ. */
function groupScores(scores: readonly LogRecord[]): { bySource: Map<string, Uint8Array>; conflicting: string[] } {
  const bySource = new Map<string, Uint8Array>()
  const conflicting = new Set<string>()
  for (const { partition, value } of scores) {
    const place = `${partition}/${decode('ScoreBatch', value!).sourceOffset}`
    const first = bySource.get(place)
    if (!first) bySource.set(place, value!)
    else if (Buffer.compare(first, value!) !== 0) conflicting.add(place)
  }
  return { bySource, conflicting: [...conflicting] }
}

function reasonsOf(deadLetters: readonly LogRecord[]): Map<string, string> {
  return new Map(
    deadLetters.map(({ value }) => {
      const { partition, offset, reason } = decode('DeadLetter', value!)
      return [`${partition}/${offset}`, reason]
    }),
  )
}

type Answers = Pick<Outcome, 'onTopic' | 'learned' | 'counted' | 'unanswered'>

function answerSamples(
  samples: readonly LogRecord[],
  scores: ReadonlyMap<string, Uint8Array>,
  letters: ReadonlyMap<string, string>,
): Answers {
  const onTopic = new Set<string>()
  const learned = new Map<string, string>()
  const counted = new Map<string, number>()
  const unanswered: string[] = []
  const newestMs = new Map<string, number>()
  const count = (reason: string) => counted.set(reason, (counted.get(reason) ?? 0) + 1)
  for (const { partition, offset, value } of samples) {
    const place = `${partition}/${offset}`
    const [batch, letter, score] = [decodeIfReadable('SampleBatch', value), letters.get(place), scores.get(place)]
    if (letter) count(`dead letter: ${letter}`)
    if (!letter && !(score && batch)) unanswered.push(place)
    const scored = score && decode('ScoreBatch', score)
    eachSample(batch, (series, timestampMs, at) => {
      const id = `${series}/${timestampMs}`
      onTopic.add(id)
      if (!scored) return
      if (scored.states[at] === droppedState) count('series_limit')
      else if (timestampMs <= (newestMs.get(series) ?? Number.NEGATIVE_INFINITY)) count('not_newer')
      else {
        newestMs.set(series, timestampMs)
        learned.set(id, bitsAt(scored, at))
      }
    })
  }
  return { onTopic, learned, counted, unanswered }
}

const droppedState = seriesStates.indexOf('dropped')

/** Nothing is visited when the columns do not fit together. */
export function eachSample(
  batch: SampleBatch | undefined,
  visit: (series: string, timestampMs: number, at: number) => void,
): void {
  if (!batch) return
  try {
    const samplesPerSeries = uint32Column(batch.samplesPerSeries)
    const count = samplesPerSeries.reduce((sum, samples) => sum + samples, 0)
    const timestampsMs = float64Column(batch.timestampsMs, count)
    let at = 0
    samplesPerSeries.forEach((samples, index) => {
      const series = keyText(batch.series, index)
      for (const end = at + samples; at < end; at++) visit(series, timestampsMs[at]!, at)
    })
  } catch (error) {
    if (!(error instanceof ColumnError)) throw error
  }
}

function bitsAt({ scores, expected, lower, upper, confidence }: ScoreBatch, at: number): string {
  return [scores, expected, lower, upper, confidence].map((column) => column.toString('hex', 4 * at, 4 * at + 4)).join('')
}
