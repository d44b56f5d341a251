/** The run without faults: samples through the detector's own step, in memory, one after the other. */
import { DecodeError, encode } from '@lapwing/contracts/codec'
import { ColumnError } from '@lapwing/contracts/columns'
import type { DetectorConfig } from '@lapwing/detector/config'
import { createDetectStep } from '@lapwing/detector/detect'
import type { LogRecord, OutgoingRecord } from '@lapwing/stream/log'
import type { StatefulStep } from '@lapwing/stream/stateful-stage'
import { type Outcome, type RunRecords, readOutcome } from './outcome.ts'

/** @param samples in order within each partition */
export function replay(samples: readonly LogRecord[], config: DetectorConfig): Outcome {
  return readOutcome(scoreInMemory(samples, config))
}

/** What a detector writes for these samples when nothing goes wrong. */
export function scoreInMemory(samples: readonly LogRecord[], config: DetectorConfig): RunRecords {
  const steps = new Map<number, StatefulStep>()
  const written: OutgoingRecord[] = []
  const stepOf = (partition: number) => {
    const step =
      steps.get(partition) ??
      createDetectStep({
        config,
        scoresTopic,
        anomaliesTopic,
        modelsTopic: 'models',
        observe: () => {},
        observeVerdict: () => {},
      })
    steps.set(partition, step)
    return step
  }
  for (const record of samples) {
    try {
      stepOf(record.partition).process(record, (output) => written.push(output))
    } catch (error) {
      if (!(error instanceof DecodeError || error instanceof ColumnError)) throw error
      written.push(deadLetter(record, error))
    }
  }
  const on = (topic: string) => written.filter((output) => output.topic === topic).map(asLogRecord)
  return { samples, scores: on(scoresTopic), anomalies: on(anomaliesTopic), deadLetters: on(deadLettersTopic) }
}

const scoresTopic = 'scores'
const anomaliesTopic = 'anomalies'
const deadLettersTopic = 'dead-letters'

function deadLetter({ topic, partition, offset, timestampMs, key, value }: LogRecord, error: Error): OutgoingRecord {
  const reason = error instanceof DecodeError ? error.reason : 'malformed'
  const bytes = (part: Uint8Array | null) => part && Buffer.from(part)
  const letter = { reason, error: error.message, service: 'detector', topic, partition, offset: Number(offset), timestampMs }
  return {
    topic: deadLettersTopic,
    partition,
    key: null,
    value: encode('DeadLetter', { ...letter, key: bytes(key), value: bytes(value) }),
  }
}

function asLogRecord({ topic, partition, key, value }: OutgoingRecord, offset: number): LogRecord {
  return { topic, partition, offset: BigInt(offset), timestampMs: 0, key, value, headers: new Map() }
}
