/** A hundred thousand bodies that somebody has tampered with: each is refused with a code or gives sound samples, and memory stays. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { sortedLabels } from '@lapwing/contracts/series'
import { compressSync, uncompressSync } from 'snappy'
import { expect, test } from 'vitest'
import { pushRules } from '../testing/push-rules.ts'
import { encodeWriteV2 } from '../testing/write-v2.ts'
import { writtenSeries } from '../testing/written-series.ts'
import { createWriteDecoder, type WriteVersion } from './remote-write-decoder.ts'
import { encodeWrite } from './remote-write-encoder.ts'
import { WriteError } from './remote-write-errors.ts'

const bodies = 100_000
const grownBytesMax = 50 * 1024 * 1024
const seed = Number(process.env.LAPWING_SEED ?? 1)

const labelsOf = (name: string) =>
  sortedLabels([
    ['__name__', name],
    ['instance', 'host-1:9100'],
  ])
const honest: Record<WriteVersion, Buffer> = {
  '1.0': encodeWrite(
    ['up', 'node_load1'].map((name) => ({
      labels: labelsOf(name),
      timestampsMs: [1.7e12, 1.8e12],
      values: [1, 2],
      flags: [0, 2],
    })),
  ),
  '2.0': encodeWriteV2(
    ['up', 'node_load1'].map((name) => ({
      labels: labelsOf(name),
      samples: [[1.7e12, 1] as const],
      histograms: 1,
      exemplars: 1,
    })),
  ),
}

test(`${bodies} mutated bodies (seed ${seed})`, { timeout: 180_000 }, () => {
  const random = randomOf(seed)
  const decoder = createWriteDecoder({ ...pushRules, limits: { labels: 20, nameLength: 100, valueLength: 1000 } })
  const counts = { accepted: 0, refused: 0 }
  const before = usedBytes()
  for (let i = 0; i < bodies; i++) {
    const version = random(2) === 0 ? '1.0' : '2.0'
    // Every second one is valid snappy around damaged content, or it would hardly ever be reached.
    const body =
      random(2) === 0
        ? mutated(honest[version], random)
        : compressSync(mutated(uncompressSync(honest[version]) as Buffer, random))
    try {
      for (const { timestampsMs, values } of writtenSeries(decoder.decode(body, version))) {
        if (!values.every(Number.isFinite)) throw new Error(`body ${i}: a value that is not finite`)
        if (!timestampsMs.every((at, k) => k === 0 || at > timestampsMs[k - 1]!)) throw new Error(`body ${i}: times do not rise`)
      }
      counts.accepted++
    } catch (error) {
      if (!(error instanceof WriteError)) throw error
      expect(error.status).toBeGreaterThanOrEqual(400)
      expect(error.status).toBeLessThan(500)
      counts.refused++
    }
  }
  expect(usedBytes() - before).toBeLessThan(grownBytesMax)
  expect(counts.accepted).toBeGreaterThan(1000)
  expect(counts.refused).toBeGreaterThan(1000)
})

/** A few bytes changed, or cut short, or with something behind it. */
function mutated(bytes: Buffer, random: (below: number) => number): Buffer {
  const copy = Buffer.from(bytes)
  for (let changes = 1 + random(5); changes > 0; changes--) copy[random(copy.length)] = random(256)
  const kind = random(10)
  if (kind === 0) return copy.subarray(0, random(copy.length))
  return kind === 1 ? Buffer.concat([copy, copy.subarray(random(copy.length))]) : copy
}

function randomOf(start: number): (below: number) => number {
  let state = Math.imul(start, 2654435761) >>> 0
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 4294967296) * below)
  }
}

/** What is left after a collection. */
function usedBytes(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
