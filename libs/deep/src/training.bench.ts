/**
 * Training and scoring of small nets, in CPU time, beside Keras.
 *
 * Dense: 4,096 windows of 64 numbers, 64-32-8-32-64, 20 epochs. LSTM: 2,048 windows of 32 rows and 8 channels, 32 units each way, 5 epochs. Batches of
 * 64. Keras counts its compilation, ours the first run of its code.
 */
import { fileURLToPath } from 'node:url'
import { type Benches, callsPerCpuSecond, type Figure } from '../../../bench/figure.ts'
import { runPythonPeer } from '../../../bench/python-peer.ts'
import { trainDenseAutoencoder } from './dense-autoencoder.ts'
import { denseReconstructor } from './dense-net.ts'
import { trainLstmAutoencoder } from './lstm-autoencoder.ts'
import { lstmReconstructor } from './lstm-net.ts'
import type { Reconstructor } from './reconstruction.ts'
import { loadTensorFlow } from './tensorflow.ts'
import type { TrainingOptions } from './training.ts'

export const benches: Benches = {
  'deep/ae/train': () => trainFigure('ae', async (epochs) => void (await trainDense('point', epochs))),
  'deep/vae/train': () => trainFigure('vae', async (epochs) => void (await trainDense('distribution', epochs))),
  'deep/lstm/train': () => trainFigure('lstm', async (epochs) => void (await trainLstm(epochs))),
  'deep/ae/score': async () => scoreFigure('deep/ae/score', denseReconstructor(await trainDense('point', 1))),
  'deep/lstm/score': async () => scoreFigure('deep/lstm/score', lstmReconstructor(await trainLstm(1))),
}

const epochsOf = { ae: 20, vae: 20, lstm: 5 } as const
type Net = keyof typeof epochsOf

async function trainFigure(net: Net, train: (epochs: number) => Promise<void>): Promise<Figure> {
  const start = process.cpuUsage()
  await train(epochsOf[net])
  const { user, system } = process.cpuUsage(start)
  const value = Number(((user + system) / 1e6).toPrecision(3))
  const figure = { bench: `deep/${net}/train`, value, unit: 'CPU s' }
  const keras = await kerasSeconds()
  return keras ? { ...figure, peer: 'keras', peerValue: keras[net], ratio: Number((keras[net] / value).toPrecision(3)) } : figure
}

let peer: Promise<Record<Net, number> | undefined> | undefined

/** All nets in one run of Python, because its start takes longest. */
function kerasSeconds() {
  peer ??= runPythonPeer<Record<Net, number>>({
    name: 'keras',
    packages: ['tensorflow-cpu==2.12.1'],
    script: fileURLToPath(new URL('../testing/keras_peer.py', import.meta.url)),
    args: [],
  })
  return peer
}

const training = { epochs: 0, batchWindows: 64, learningRate: 1e-3, patienceEpochs: Number.POSITIVE_INFINITY, seed: 1 }

async function trainDense(waist: 'point' | 'distribution', epochs: number) {
  const options: TrainingOptions = { ...training, windowRows: 1, epochs, windowsPerEpoch: 4096 }
  const shape = { hidden: 32, latent: 8, waist }
  return trainDenseAutoencoder(await loadTensorFlow('wasm'), waves(4096 / 0.8, 64), shape, options, () => {})
}

function trainLstm(epochs: number) {
  const options: TrainingOptions = { ...training, windowRows: 32, epochs, windowsPerEpoch: 2048 }
  return trainLstmAutoencoder(waves(2048 / 0.8 + 32, 8), 32, options, () => {})
}

/** A fifth more rows than windows are wanted: training holds them back. */
function waves(rows: number, channels: number) {
  const count = Math.ceil(rows)
  const values = Float32Array.from({ length: count * channels }, (_, i) =>
    Math.sin(Math.floor(i / channels) / 9 + (i % channels)),
  )
  return { channels, count, values }
}

const scoredTogether = 1024

function scoreFigure(bench: string, { width, reconstruct }: Reconstructor): Figure {
  const windows = Float32Array.from({ length: scoredTogether * width }, (_, i) => Math.sin(i / 7))
  const out = new Float32Array(windows.length)
  const value = callsPerCpuSecond(() => {
    reconstruct(windows, scoredTogether, out)
    return scoredTogether
  })
  return { bench, value: Math.round(value), unit: 'windows/s' }
}
