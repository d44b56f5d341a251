/**
 * Resident memory at its highest of the two processes of a training: 100 channels over 30 days, a row a minute.
 *
 * The training process is as the trainer starts it, without its limit. The trainer's own part is a process that holds the history, cuts the rows from it and sends them.
 */
import { fork } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { ModelKind } from '@lapwing/deep/model'
import type { Benches, Figure } from '../../../../bench/figure.ts'
import type { TrainingMemory } from '../../testing/training-memory.ts'

export const benches: Benches = {
  'trainer/memory': async () => figure('trainer/memory', (await measured('multiscale-pca')).trainingBytes),
  'trainer/memory-of-trainer': async () => figure('trainer/memory-of-trainer', (await measured('multiscale-pca')).trainerBytes),
  'trainer/memory/autoencoder': async () => figure('trainer/memory/autoencoder', (await measured('autoencoder')).trainingBytes),
  'trainer/memory/vae': async () => figure('trainer/memory/vae', (await measured('vae')).trainingBytes),
  'trainer/memory/lstm': async () => figure('trainer/memory/lstm', (await measured('lstm')).trainingBytes),
  'trainer/memory/iforest': async () => figure('trainer/memory/iforest', (await measured('iforest')).trainingBytes),
}

function figure(bench: string, bytes: number): Figure {
  return { bench, value: Math.round(bytes / 1e6), unit: 'MB' }
}

const running = new Map<ModelKind, Promise<TrainingMemory>>()

function measured(kind: ModelKind): Promise<TrainingMemory> {
  const known = running.get(kind) ?? measure(kind)
  running.set(kind, known)
  return known
}

function measure(kind: ModelKind): Promise<TrainingMemory> {
  const entry = fileURLToPath(new URL('../../testing/training-memory.ts', import.meta.url))
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const child = fork(entry, [kind], { execArgv: ['--import', loader] })
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as TrainingMemory))
    child.once('exit', (code) => reject(new Error(`the process that trains ended with ${code}`)))
  })
}
