/** `lapwing queries check`: asks the Prometheus of the configuration, with a bar while it lasts. */
import { styleText } from 'node:util'
import { checkQueries } from '@lapwing/ingestor/check-queries'
import { QueryError } from '@lapwing/prometheus/query-errors'
import { seriesDetectorOptions } from '@lapwing/queries/detector-settings'
import { createProgress } from '../progress.ts'
import { type ConfigFlags, readConfig } from '../start/all-config.ts'
import { UserError } from '../user-error.ts'
import { checkLines, checkTable } from './check-table.ts'
import { bytesPerSeries } from './series-memory.ts'

interface CheckFlags extends ConfigFlags {
  readonly json: boolean
  /** Milliseconds. */
  readonly window: number
}

/** Whether every query worked. */
export async function runCheck(flags: CheckFlags): Promise<boolean> {
  const config = readConfig(flags)
  const { prometheus_url: url, step } = config.ingestor
  if (!url) throw new UserError('No Prometheus is configured: set PROMETHEUS_URL, or prometheus_url in the configuration.')
  const steps = flags.window / step.ms
  if (steps < 1 || steps > 11_000)
    throw new UserError(`--window: ${Math.floor(steps)} steps of ${step.ms / 1000} s; expected between 1 and 11,000`)
  const startMs = performance.now()
  const progress = createProgress({ label: 'asking', total: 1, stream: process.stderr, now: () => performance.now() - startMs })
  const checked = await checkQueries({
    url,
    settings: config.ingestor,
    windowMs: flags.window,
    nowMs: Date.now(),
    onChecked: (done, total) => progress.update(done / total),
  })
  progress.end()
  const bytes = bytesPerSeries(seriesDetectorOptions(config.detector))
  process.stdout.write(flags.json ? checkLines(checked, bytes) : coloured(checkTable(checked, bytes)))
  return !checked.some(({ outcome }) => outcome instanceof QueryError)
}

/** Failures in red, on a terminal only. */
function coloured(table: string): string {
  if (!process.stdout.isTTY) return table
  return table.replaceAll(/^.* FAILED .*$/gm, (line) => styleText('red', line))
}
