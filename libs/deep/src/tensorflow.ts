/**
 * TensorFlow.js and the backend that it computes on; nothing else in Lapwing imports it.
 *
 * Native is TensorFlow itself, from @tensorflow/tfjs-node: an optional dependency whose library comes from a host that many networks close
 * (`npm run tensorflow:native` builds it from a Python wheel). WebAssembly needs nothing but npm and uses half the CPU of native on
 * dense nets with small batches. Plain JavaScript always works, 10 to 40 times slower on recurrent nets.
 */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import util from 'node:util'
import type * as tfjs from '@tensorflow/tfjs'

export type TensorFlowBackend = 'native' | 'wasm' | 'cpu'

export interface TensorFlow {
  readonly tf: typeof tfjs
  readonly backend: TensorFlowBackend
  /** Why a backend that would have come first is not used, one line each; for the log. */
  readonly passedOver: readonly string[]
}

/** A backend was asked for by name and cannot be had, or is no backend. The message says what to do. */
export class TensorFlowError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'TensorFlowError'
  }
}

const order: readonly TensorFlowBackend[] = ['native', 'wasm', 'cpu']

/**
 * @param wanted `auto` takes the first of native, WebAssembly and JavaScript that loads; a backend by name takes that or throws TensorFlowError.
 */
export async function loadTensorFlow(wanted: string): Promise<TensorFlow> {
  if (wanted !== 'auto') return { ...(await loadNamed(wanted)), passedOver: [] }
  const passedOver: string[] = []
  for (const backend of order) {
    try {
      return { ...(await loadNamed(backend)), passedOver }
    } catch (error) {
      passedOver.push((error as Error).message)
    }
  }
  throw new TensorFlowError(`no TensorFlow backend loads: ${passedOver.join('; ')}`)
}

async function loadNamed(name: string): Promise<Pick<TensorFlow, 'tf' | 'backend'>> {
  const backend = order.find((known) => known === name)
  if (!backend) throw new TensorFlowError(`LAPWING_TF_BACKEND: expected auto, ${order.join(', ')}, found "${name}"`)
  try {
    const tf = backend === 'native' ? await importNative() : await importTensorFlow()
    if (backend === 'wasm') await prepareWasm()
    tf.enableProdMode()
    if (!(await tf.setBackend(backend === 'native' ? 'tensorflow' : backend))) throw new Error('the backend did not start')
    await tf.ready()
    return { tf, backend }
  } catch (error) {
    const cure = backend === 'native' ? ' (to build it: npm run tensorflow:native)' : ''
    throw new TensorFlowError(`TensorFlow backend ${backend}: ${firstLine(error)}${cure}`, { cause: error })
  }
}

async function importTensorFlow(): Promise<typeof tfjs> {
  return exportsOf(await import('@tensorflow/tfjs'))
}

/** It calls functions that Node 23 removed from `util`. */
async function importNative(): Promise<typeof tfjs> {
  const old = util as unknown as Record<string, unknown>
  old.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined
  old.isArray ??= Array.isArray
  // Its library is told so in no other way: warnings only, and one thread as on the other backends.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1'
  process.env.TF_NUM_INTRAOP_THREADS ??= '1'
  return exportsOf(await import('@tensorflow/tfjs-node'))
}

/** Loaders differ in where they put what a CommonJS module exports. */
function exportsOf(module: object): typeof tfjs {
  return (module as { default?: typeof tfjs }).default ?? (module as typeof tfjs)
}

async function prepareWasm(): Promise<void> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm')
  wasm.setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))}/`)
  // One thread: more gave nothing on nets of this size, and training must leave the other processors to the services.
  wasm.setThreadsCount(1)
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.trim().split('\n')[0]!
}
