/**
 * Appends anomaly records to the file `output_csv`.
 *
 * It reads with a group of its own, whose position moves only after a batch is in the file: nothing is lost, and a crash between
 * the two repeats a batch. A file that cannot be written is tried again for as long as the partition is ours; the page does not
 * suffer from it.
 */
import { appendFile, mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { decode } from '@lapwing/contracts/codec'
import type { BatchContext, Consumption, Log, RecordBatch } from '@lapwing/stream/log'
import { csvHeader, csvRow } from './csv-rows.ts'
import { isDamaged } from './damaged-record.ts'

export interface CsvOptions {
  readonly log: Log
  readonly topic: string
  readonly group: string
  readonly path: string
  onRows(count: number): void
  onWriteError(error: Error): void
  onDamaged(error: Error): void
  onFatal(error: Error): void
  /** Ends the waiting for a file that cannot be written. */
  readonly signal: AbortSignal
}

export async function writeCsv(options: CsvOptions): Promise<Consumption> {
  const append = inTurn((text: string) => appendWithHeader(options.path, text))
  return options.log.consume({
    group: options.group,
    topics: [options.topic],
    from: 'earliest',
    onBatch: async (batch, context) => {
      const rows = rowsOf(batch, options)
      if (rows.length === 0) return
      if (await appendRows(() => append(rows.join('')), context, options)) options.onRows(rows.length)
    },
    onFatal: options.onFatal,
  })
}

const retryDelayMs = 5000

function rowsOf(batch: RecordBatch, options: CsvOptions): string[] {
  return batch.records.flatMap((record) => {
    try {
      return record.value ? [csvRow(decode('Anomaly', record.value))] : []
    } catch (error) {
      if (!isDamaged(error)) throw error
      options.onDamaged(error)
      return []
    }
  })
}

/** False when the partition went to another owner, who writes the rows; rejects when the signal ends the waiting. */
async function appendRows(
  append: () => Promise<void>,
  context: BatchContext,
  { onWriteError, signal }: CsvOptions,
): Promise<boolean> {
  while (context.alive()) {
    try {
      await append()
      return true
    } catch (error) {
      onWriteError(error as Error)
    }
    await sleep(retryDelayMs, undefined, { signal })
    await context.heartbeat()
  }
  return false
}

/** Batches of several partitions come at the same time, and only the first to write may write the header. */
function inTurn(action: (text: string) => Promise<void>): (text: string) => Promise<void> {
  let previous: Promise<void> = Promise.resolve()
  return (text) => {
    const mine = previous.then(() => action(text))
    previous = mine.catch(() => undefined)
    return mine
  }
}

async function appendWithHeader(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await appendFile(path, (await isEmpty(path)) ? csvHeader + text : text)
}

async function isEmpty(path: string): Promise<boolean> {
  try {
    return (await stat(path)).size === 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw error
  }
}
