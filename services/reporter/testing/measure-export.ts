/**
 * Reads the CSV of all anomalies of a history, in a process of its own, and prints what it took as a line of JSON. Arguments: the folder of the history.
 *
 * It reads twice. Once undisturbed: rows a second, and the highest resident memory, reporter and client together. Then with a full garbage collection at each
 * hundredth of the rows: what is reachable then, on the heap and beside it, does not depend on when the engine collects by itself.
 */
import { runReporter } from './running-reporter.ts'

export interface ExportMeasurement {
  readonly rows: number
  readonly rowsPerSecond: number
  /** Highest of the process. */
  readonly residentBytes: number
  /** Reachable at the end of each hundredth of the rows. */
  readonly reachableBytes: readonly number[]
}

async function measureExport(folder: string): Promise<ExportMeasurement> {
  const reporter = await runReporter({ data_dir: folder })
  const url = `${reporter.url}/api/v1/export/anomalies?format=csv`
  const startMs = performance.now()
  const rows = await readLines(url, () => {})
  const rowsPerSecond = (rows / (performance.now() - startMs)) * 1000
  const residentBytes = process.resourceUsage().maxRSS * 1024
  const reachableBytes: number[] = []
  await readLines(url, (read) => {
    if (read >= ((reachableBytes.length + 1) * rows) / 100) reachableBytes.push(reachable())
  })
  await reporter.close()
  return { rows, rowsPerSecond, residentBytes, reachableBytes }
}

/** @param onLines called with how many there were so far */
async function readLines(url: string, onLines: (lines: number) => void): Promise<number> {
  const { body } = await fetch(url)
  let lines = 0
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    for (const byte of chunk) if (byte === 10) lines++
    onLines(lines)
  }
  return lines
}

function reachable(): number {
  if (!gc) throw new Error('expected node --expose-gc')
  gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

process.stdout.write(`${JSON.stringify(await measureExport(process.argv[2]!))}\n`)
