/**
 * Child process: how much memory 100,000 series of a detector take, when they have been through weeks of service metrics. Prints the
 * larger of what the system sees (resident) and what the runtime holds (heap and buffers), in bytes a series.
 *
 * Some hundred simulated series grow old first and are put down as snapshots; each is then restored many times, which takes the
 * same memory as if each copy had grown old itself. `--expose-gc` is needed.
 */
import { setTimeout } from 'node:timers/promises'
import { SeriesDetector, type SeriesDetectorOptions } from '../src/series-detector.ts'
import { firstMs, SimulatedSeries, seriesKinds } from './simulated-series.ts'

const options: SeriesDetectorOptions = JSON.parse(process.argv[2]!)
const seriesCount = 100_000
const originals = 200
const stepMs = 300_000
/** Three weeks of rows of five minutes: point tables have been full for a while. */
const rows = 6048

const snapshots = Array.from({ length: originals }, (_, i) => agedSeries(i))
const before = await memoryNow()
const detector = new SeriesDetector(options)
for (let slot = 0; slot < seriesCount; slot++) detector.restore(slot, snapshots[slot % originals]!)
const after = await memoryNow()
if (detector.snapshot(seriesCount - 1).length === 0) throw new Error('the detector must live until it has been weighed')
process.stdout.write(`${Math.max(after.resident - before.resident, after.held - before.held) / seriesCount}\n`)

function agedSeries(i: number): Uint8Array {
  const series = new SimulatedSeries({ kind: seriesKinds[i % seriesKinds.length]!, seed: 9_000_000 + i })
  const aging = new SeriesDetector(options)
  const sample = { timestampMs: 0, value: 0, imputed: false, stale: false, stepMs, live: true, isCounter: series.isCounter }
  for (let row = 0; row < rows; row++) {
    for (let minute = 0; minute < stepMs / 60_000; minute++) series.next()
    sample.timestampMs = firstMs + row * stepMs
    sample.value = series.value
    aging.update(0, sample)
  }
  return aging.snapshot(0)
}

async function memoryNow() {
  // The memory of a buffer that was collected is given back a little later.
  for (let round = 0; round < 5; round++) {
    globalThis.gc?.()
    await setTimeout(50)
  }
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
  return { resident: rss, held: heapUsed + arrayBuffers }
}
