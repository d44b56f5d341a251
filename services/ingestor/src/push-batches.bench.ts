/**
 * Remote write on one core: bodies of known series, one sample each as a Prometheus sends them, to records of the samples topic.
 *
 * 10,000 series in requests of 2,000, 8 partitions. Without HTTP and without the log.
 */
import { sortedLabels } from '@lapwing/contracts/series'
import { createWriteDecoder } from '@lapwing/prometheus/remote-write-decoder'
import { encodeWrite } from '@lapwing/prometheus/remote-write-encoder'
import { pushRules } from '@lapwing/prometheus/testing/push-rules'
import { type Benches, callsPerCpuSecond, type Figure } from '../../../bench/figure.ts'
import { PushBatches } from './push-batches.ts'

export const benches: Benches = { 'remote-write/decode': samplesPerSecond }

const seriesCount = 10_000
const seriesPerBody = 2000
const partitions = 8
const nowMs = 1.7e12

function samplesPerSecond(): Figure {
  const decoder = createWriteDecoder(pushRules)
  const batches = new PushBatches(partitions)
  const all = Array.from({ length: seriesCount / seriesPerBody }, (_, body) => encodeBody(body * seriesPerBody))
  const value = callsPerCpuSecond(() => {
    for (const body of all) {
      batches.add(decoder.decode(body, '1.0'), nowMs)
      const records = batches.takeRecords()
      if (records.length !== partitions) throw new Error(`${records.length} records, expected one for each partition`)
    }
    return seriesCount
  })
  return { bench: 'remote-write/decode', value: Math.round(value), unit: 'samples/s' }
}

function encodeBody(first: number): Buffer {
  return encodeWrite(
    Array.from({ length: seriesPerBody }, (_, i) => ({
      labels: sortedLabels([
        ['__name__', 'bench_metric'],
        ['instance', `host-${Math.floor((first + i) / 20)}:9100`],
        ['job', 'bench'],
        ['number', String(first + i)],
      ]),
      timestampsMs: [nowMs],
      values: [first + i],
      flags: [0],
    })),
  )
}
