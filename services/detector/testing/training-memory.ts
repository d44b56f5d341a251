/** A trainer's part of one training in a process of its own, whose memory can be measured; tells its parent what it and the training took. Argument: the kind of model. */
import type { ModelKind } from '@lapwing/deep/model'
import { createRandom } from '@lapwing/detection/random'
import type { SeriesHistory } from '../src/trainer/entity-history.ts'
import { runJob } from '../src/trainer/run-job.ts'
import { prepareData } from '../src/trainer/training-data.ts'

export interface TrainingMemory {
  readonly trainingBytes: number
  readonly trainerBytes: number
}

const channels = 100
const stepMs = 60_000
const rows = 30 * 24 * 60
const unlimited = 8e9

function history(): SeriesHistory[] {
  const random = createRandom(1)
  const load = Float64Array.from({ length: rows }, (_, row) => Math.sin(row / 229) + 0.2 * random())
  return Array.from({ length: channels }, (_, channel) => ({
    key: String(channel),
    name: `s${String(channel).padStart(3, '0')}`,
    labels: [{ name: '__name__', value: `s${channel}` }],
    values: load.map((value) => channel + value * ((channel % 7) + 1) + random()),
  }))
}

const options = { fromMs: 0, stepMs, heldBackRows: 120, maxChannels: channels, incidents: [], otherChannels: [] }
const kind = process.argv[2] as ModelKind
const { channels: names, training } = prepareData({ history: history(), ...options })
const job = {
  action: 'train',
  kind,
  channels: names,
  rows: training,
  seed: 1,
  tensorflowBackend: 'wasm',
} as const
const { peakBytes } = await runJob(job, {
  memoryLimitBytes: unlimited,
  signal: new AbortController().signal,
  onProgress: () => {},
})
const trainerBytes = process.resourceUsage().maxRSS * 1024
process.send!({ trainingBytes: peakBytes, trainerBytes } satisfies TrainingMemory, () => process.exit(0))
