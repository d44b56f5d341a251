/** Everything about verdicts that needs the log: those that are in force, the writing of new ones, and those that stand for silences. */
import type { Mute } from '@lapwing/alerting/mute'
import type { PartitionOf } from '@lapwing/alerting/slack-buttons'
import type { Log } from '@lapwing/stream/log'
import type { Logger } from 'pino'
import type { AlerterMetrics } from '../metrics.ts'
import type { VerdictOf } from '../route-alerts.ts'
import { whenLogAnswers } from '../when-log-answers.ts'
import { type FiringAlert, silenceVerdicts } from './silence-verdicts.ts'
import { openVerdictSource, type VerdictSourceOptions } from './verdict-source.ts'
import { openVerdictWriter, type VerdictWriter } from './verdict-writer.ts'
import { writeSilenceVerdicts } from './write-silence-verdicts.ts'

export interface OpenFeedback {
  readonly verdictOf: VerdictOf
  readonly writer: VerdictWriter
  /** Alertmanager has these now. Resolves when their verdicts are written, or will be with its next answer. */
  takeSilences(silences: readonly Mute[]): Promise<void>
  stop(): Promise<void>
}

export interface FeedbackOptions extends Omit<VerdictSourceOptions, 'topic' | 'log'> {
  readonly log: Log
  readonly topics: { readonly anomalies: string; readonly feedback: string }
  readonly metrics: Pick<AlerterMetrics, 'feedback'>
  readonly partitionOf: PartitionOf
  /** Those of this process. */
  firing(): Iterable<FiringAlert>
  readonly logger: Logger
  /** Ends the waiting for the log. */
  readonly signal: AbortSignal
}

/** Rejects with a LogError that no waiting can cure, and with any when aborted. */
export async function openFeedback(options: FeedbackOptions): Promise<OpenFeedback> {
  const { topics, partitionOf, nowMs } = options
  const source = await whenLogAnswers(() => openVerdictSource({ ...options, topic: topics.feedback }), options)
  const writer = await whenLogAnswers(() => openVerdictWriter({ ...options, hasSeen: source.hasSeen }), options)
  let last: Promise<void> = Promise.resolve()
  return {
    verdictOf: source.of,
    writer,
    takeSilences: (silences) => {
      last = last.then(() => {
        const verdicts = silenceVerdicts(silences, options.firing(), source.ofSilences(), { partitionOf, nowMs: nowMs() })
        return writeSilenceVerdicts(verdicts, { ...options, writer })
      })
      return last
    },
    stop: async () => {
      await last
      await writer.close()
      await source.stop()
    },
  }
}
