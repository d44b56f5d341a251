/**
 * `lapwing score --train`: a model from one table, its scores for the rows of another, causal: a row is judged by itself and those before.
 *
 * Out comes a row for each row: `anomaly_score` (above 1 is anomalous, 0 in warm-up), `opened` (1 on the row on which a person would
 * be told) and the channels with the largest shares, after the timestamp when the table has one. Nothing is left half-written.
 */
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type ModelKind, modelKinds } from '@lapwing/deep/model'
import { loadTensorFlow, type TensorFlow, TensorFlowError } from '@lapwing/deep/tensorflow'
import { TooFewRowsError, trainModel } from '@lapwing/deep/train-model'
import type { SeriesDetectorOptions } from '@lapwing/detection/series-detector'
import { type ChannelTable, collectRows, openChannelTable } from './channel-table.ts'
import { modelRowScorer, onlineRowScorer, type RowScorer } from './row-scorer.ts'
import { UserError } from './user-error.ts'

/** What `--model` takes. */
export const scoringModels = [...modelKinds, 'online'] as const
export type ScoringModel = (typeof scoringModels)[number]

export interface ScoreChannelsOptions {
  readonly train?: string
  readonly input: string
  readonly output: string
  readonly model: ScoringModel
  readonly seed: number
  /** Of the online model. */
  readonly detector: SeriesDetectorOptions
  /** `auto`, or a backend that is asked for by name. */
  readonly tensorflowBackend: string
  onProgress(phase: 'reading' | 'training' | 'scoring', share: number): void
  /** The backend, when a network is trained. */
  onTensorFlow(tensorflow: TensorFlow): void
}

export interface ScoreChannelsSummary {
  readonly file: string
  readonly rows: number
  readonly opened: number
  readonly anomalousRows: number
}

/** Throws UserError. */
export async function scoreChannels(options: ScoreChannelsOptions): Promise<ScoreChannelsSummary> {
  const { channels, scorer } = await makeScorer(options)
  const table = await openChannelTable(options.input, (share) => options.onProgress('scoring', share))
  const summary = { file: options.input, rows: 0, opened: 0, anomalousRows: 0 }
  const places = placesOf(channels ?? table.channels, table, options)
  const known = scorer ?? onlineRowScorer(options.detector, table.channels.length)
  const unfinished = `${options.output}.unfinished`
  await mkdir(dirname(options.output), { recursive: true })
  try {
    await pipeline(scoredLines(table, places, known, summary), createWriteStream(unfinished))
    await rename(unfinished, options.output)
    return summary
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}

/** Trained where there is something to train on; without, the channels are those of the input. */
async function makeScorer(options: ScoreChannelsOptions): Promise<{ channels?: readonly string[]; scorer?: RowScorer }> {
  const { train, model, detector } = options
  if (train === undefined) {
    if (model === 'online') return {}
    throw new UserError(`--model ${model} needs rows to learn from: --train FILE`)
  }
  const table = await openChannelTable(train, (share) => options.onProgress('reading', share))
  if (model !== 'online') return { channels: table.channels, scorer: await trainedScorer(table, train, model, options) }
  const scorer = onlineRowScorer(detector, table.channels.length)
  for await (const { values } of table.rows()) scorer.score(values)
  return { channels: table.channels, scorer }
}

async function trainedScorer(
  table: ChannelTable,
  train: string,
  kind: ModelKind,
  { seed, tensorflowBackend, onProgress, onTensorFlow }: ScoreChannelsOptions,
): Promise<RowScorer> {
  const tensorflow = async () => {
    const loaded = await loadTensorFlow(tensorflowBackend)
    onTensorFlow(loaded)
    return loaded
  }
  try {
    const rows = await collectRows(table)
    return modelRowScorer(
      await trainModel({
        kind,
        channels: table.channels,
        rows,
        seed,
        tensorflow,
        onProgress: (share) => onProgress('training', share),
      }),
    )
  } catch (error) {
    if (error instanceof TooFewRowsError) throw new UserError(`${train}: ${error.message}`)
    if (error instanceof TensorFlowError) throw new UserError(error.message)
    throw error
  }
}

/** Where each channel of the model stands in the table: columns go by name, not by order. */
function placesOf(channels: readonly string[], table: ChannelTable, { input, train }: ScoreChannelsOptions): Int32Array {
  const absent = channels.filter((channel) => !table.channels.includes(channel))
  const unknown = table.channels.filter((channel) => !channels.includes(channel))
  if (absent.length > 0 || unknown.length > 0) {
    const said = [absent.length > 0 && `missing ${few(absent)}`, unknown.length > 0 && `not in training ${few(unknown)}`]
    throw new UserError(`${input}:1: expected the columns of ${train}: ${said.filter(Boolean).join('; ')}`)
  }
  return Int32Array.from(channels, (channel) => table.channels.indexOf(channel))
}

function few(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
}

async function* scoredLines(
  table: ChannelTable,
  places: Int32Array,
  scorer: RowScorer,
  summary: { -readonly [K in keyof ScoreChannelsSummary]: ScoreChannelsSummary[K] },
): AsyncGenerator<string> {
  const values = new Float64Array(places.length)
  const names = Array.from(places, (place) => table.channels[place]!)
  yield `${table.hasTimestamp ? 'timestamp,' : ''}anomaly_score,opened,top_channels\n`
  for await (const row of table.rows()) {
    for (let i = 0; i < places.length; i++) values[i] = row.values[places[i]!]!
    const { score, opened, contributions } = scorer.score(values)
    summary.rows++
    if (opened) summary.opened++
    if (score > 1) summary.anomalousRows++
    const timestamp = table.hasTimestamp ? `${row.timestamp},` : ''
    yield `${timestamp}${Number(score.toPrecision(7))},${opened ? 1 : 0},${topChannels(names, contributions)}\n`
  }
}

const shownChannels = 3

/** `cpu:0.61 memory:0.22 disk:0.05`, the largest share first. */
function topChannels(names: readonly string[], contributions: Float64Array): string {
  const shown: number[] = []
  for (let k = 0; k < Math.min(shownChannels, names.length); k++) {
    let top = -1
    for (let i = 0; i < names.length; i++) {
      if (!shown.includes(i) && contributions[i]! > (top < 0 ? 0 : contributions[top]!)) top = i
    }
    if (top >= 0) shown.push(top)
  }
  return shown.map((i) => `${names[i]}:${contributions[i]!.toFixed(2)}`).join(' ')
}
