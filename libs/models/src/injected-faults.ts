/**
 * Known faults in rows that were normal, so that a model can be judged where nobody has labelled anything.
 *
 * Five kinds in turn, on a random third of the channels, ten rows each, with calm between them; sizes in deviations of the channel. Seeded, so that two
 * models are judged on the same faults. What they cannot say: how real faults of this system look.
 */
import type { Rows } from '@lapwing/deep/rows'
import { createRandom } from '@lapwing/detection/random'

/** What a row is, by number: 0 normal, above 0 the number of its fault, below 0 not judged. */
export type Truth = Int32Array

export interface FaultyRows {
  readonly rows: Rows
  readonly truth: Truth
}

export const notJudged = -1

/**
 * @param deviations usual deviation of each channel, above zero
 * @param calmRows rows before each fault, and rows after it that still have it in their window
 * @param firstFault number of the first fault
 */
export function injectFaults(
  rows: Rows,
  deviations: Float64Array,
  calmRows: number,
  seed: number,
  firstFault: number,
): FaultyRows {
  const random = createRandom(seed)
  const values = rows.values.slice()
  const truth = new Int32Array(rows.count)
  truth.fill(notJudged, 0, Math.min(calmRows, rows.count))
  const changed = { channels: rows.channels, count: rows.count, values }
  let fault = firstFault
  const first = calmRows + Math.floor(random() * calmRows)
  for (let at = first; at + faultRows <= rows.count; at += faultRows + 2 * calmRows) {
    const kind = faultKinds[fault % faultKinds.length]!
    for (const channel of someChannels(rows.channels, random)) kind(changed, at, channel, deviations[channel]!, random)
    truth.fill(fault++, at, at + faultRows)
    truth.fill(notJudged, at + faultRows, Math.min(rows.count, at + faultRows + calmRows))
  }
  return { rows: changed, truth }
}

const faultRows = 10

type FaultKind = (rows: Rows, at: number, channel: number, deviation: number, random: () => number) => void

const spike: FaultKind = (rows, at, channel, deviation, random) => {
  const size = sign(random) * deviation * (6 + 4 * random())
  for (let row = at; row < at + 3; row++) add(rows, row, channel, size)
}

const level: FaultKind = (rows, at, channel, deviation, random) => {
  const size = sign(random) * deviation * (3 + 3 * random())
  for (let row = at; row < at + faultRows; row++) add(rows, row, channel, size)
}

const ramp: FaultKind = (rows, at, channel, deviation, random) => {
  const size = sign(random) * deviation * (4 + 3 * random())
  for (let row = at; row < at + faultRows; row++) add(rows, row, channel, (size * (row - at + 1)) / faultRows)
}

const noise: FaultKind = (rows, at, channel, deviation, random) => {
  for (let row = at; row < at + faultRows; row++) add(rows, row, channel, deviation * 6 * (random() + random() - 1))
}

/** Each channel at a time of its own: what is usual for each of them, and unusual for all together. */
const decoupled: FaultKind = (rows, at, channel, _deviation, random) => {
  const from = Math.floor(random() * (rows.count - faultRows))
  for (let row = 0; row < faultRows; row++) {
    rows.values[(at + row) * rows.channels + channel] = rows.values[(from + row) * rows.channels + channel]!
  }
}

const faultKinds: readonly FaultKind[] = [spike, level, ramp, noise, decoupled]

function add(rows: Rows, row: number, channel: number, size: number): void {
  const at = row * rows.channels + channel
  rows.values[at] = rows.values[at]! + size
}

function sign(random: () => number): number {
  return random() < 0.5 ? -1 : 1
}

function someChannels(channels: number, random: () => number): number[] {
  const chosen = Array.from({ length: channels }, (_, channel) => channel).filter(() => random() < 1 / 3)
  return chosen.length > 0 ? chosen : [Math.floor(random() * channels)]
}
