/**
 * What every network is trained with: windows cut from rows as they are needed, and a held-back tail that says when to stop.
 *
 * The last fifth of the rows is never trained on: an epoch that does not improve the error there counts against `patienceEpochs`, and the weights of
 * the best epoch are kept. Memory: the rows and one batch; windows overlap and are never all made.
 */
import { createRandom } from '@lapwing/detection/random'
import type { ScaledRows } from './channel-scale.ts'

export interface TrainingOptions {
  readonly windowRows: number
  readonly epochs: number
  readonly batchWindows: number
  /** Larger histories are sampled, anew in each epoch. */
  readonly windowsPerEpoch: number
  readonly learningRate: number
  readonly patienceEpochs: number
  readonly seed: number
}

export interface TrainingProgress {
  /** 0 to 1 of the work; jumps to 1 when training stops early. */
  readonly share: number
  readonly epoch: number
  /** Mean squared error on the held-back windows after the last whole epoch; NaN before. */
  readonly heldBackLoss: number
}

export type OnProgress = (progress: TrainingProgress) => void

/** One net in training: TensorFlow on one side, plain arrays on the other. */
export interface TrainableNet {
  /** One step of the optimiser on `count` windows, one behind the other in `windows`. */
  step(windows: Float32Array, count: number): void | Promise<void>
  /** Mean squared error of what the net makes of the windows. */
  loss(windows: Float32Array, count: number): number
  weights(): Float32Array[]
}

/** The weights of the epoch that was best on the held-back tail. */
export async function trainNet(
  net: TrainableNet,
  rows: ScaledRows,
  options: TrainingOptions,
  onProgress: OnProgress,
): Promise<Float32Array[]> {
  const random = createRandom(options.seed)
  const windows = rows.count - options.windowRows + 1
  if (windows < 2) throw new RangeError(`${rows.count} rows are too few for windows of ${options.windowRows}`)
  const trained = Math.max(1, Math.floor(windows * (1 - heldBackShare)))
  const order = Uint32Array.from({ length: trained }, (_, i) => i)
  const perEpoch = Math.min(trained, options.windowsPerEpoch)
  const heldBack = evenly(trained, windows, heldBackWindows)
  const batch = new Float32Array(options.batchWindows * options.windowRows * rows.channels)
  let best = { loss: Number.POSITIVE_INFINITY, weights: net.weights() }
  let loss = Number.NaN
  let epochsWithoutGain = 0
  for (let epoch = 0; epoch < options.epochs && epochsWithoutGain < options.patienceEpochs; epoch++) {
    shuffleFirst(order, perEpoch, random)
    for (let at = 0; at < perEpoch; at += options.batchWindows) {
      const chosen = order.subarray(at, Math.min(perEpoch, at + options.batchWindows))
      cutWindows(rows, chosen, options, batch)
      await net.step(batch, chosen.length)
      onProgress({ share: (epoch + (at + chosen.length) / perEpoch) / options.epochs, epoch, heldBackLoss: loss })
    }
    loss = meanLoss(net, rows, heldBack, options, batch)
    epochsWithoutGain = loss < best.loss * (1 - smallestGain) ? 0 : epochsWithoutGain + 1
    if (loss < best.loss) best = { loss, weights: net.weights() }
  }
  onProgress({ share: 1, epoch: options.epochs, heldBackLoss: best.loss })
  return best.weights
}

const heldBackShare = 0.2
const heldBackWindows = 2048
/** Share by which the held-back loss has to fall for an epoch to count. */
const smallestGain = 0.001

function meanLoss(
  net: TrainableNet,
  rows: ScaledRows,
  chosen: Uint32Array,
  options: TrainingOptions,
  batch: Float32Array,
): number {
  let sum = 0
  for (let at = 0; at < chosen.length; at += options.batchWindows) {
    const some = chosen.subarray(at, at + options.batchWindows)
    cutWindows(rows, some, options, batch)
    sum += net.loss(batch, some.length) * some.length
  }
  return sum / chosen.length
}

function cutWindows(rows: ScaledRows, chosen: Uint32Array, { windowRows }: TrainingOptions, batch: Float32Array): void {
  const width = windowRows * rows.channels
  for (let k = 0; k < chosen.length; k++) {
    const from = chosen[k]! * rows.channels
    batch.set(rows.values.subarray(from, from + width), k * width)
  }
}

/** Fisher and Yates, as far as needed: the first `count` become a sample without repetition, in random order. */
function shuffleFirst(order: Uint32Array, count: number, random: () => number): void {
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random() * (order.length - i))
    const moved = order[i]!
    order[i] = order[j]!
    order[j] = moved
  }
}

function evenly(from: number, to: number, most: number): Uint32Array {
  const count = Math.min(most, to - from)
  return Uint32Array.from({ length: count }, (_, i) => from + Math.floor((i * (to - from)) / count))
}
