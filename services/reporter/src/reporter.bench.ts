/**
 * The reporter with much to show, over HTTP, on SQLite in a file.
 *
 * `export/throughput`: rows a second of a CSV of 10^6 anomalies, read by a client in the same process, which does nothing else. `export/memory`: how much more of
 * that process is reachable, after a full garbage collection at each hundredth of the rows, in the later half of them than in the first, the medians of each: nothing, if memory does not depend on
 * the number of rows, which counts as 1 MB. What is on its way at the moment is up to 5 MB more or less, so medians and many of them.
 * `export/resident`: the highest resident memory of that process, which also depends on how late the engine collects.
 * `page/first-view`: from the address being entered in Chromium until series, chart and anomalies are
 * there, with 10,000 series of 60 points and 10^5 anomalies; the median of seven visits, each with an empty cache.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import SqliteDatabase from 'libsql'
import type { Benches, Figure } from '../../../bench/figure.ts'
import type { ExportMeasurement } from '../testing/measure-export.ts'
import { startBrowser } from '../testing/page-browser.ts'
import { anomaly } from '../testing/records.ts'
import { type RunningReporter, runReporter, until } from '../testing/running-reporter.ts'
import { labelled, scoreBatch } from '../testing/score-batch.ts'
import type { Overview } from './api-model.ts'
import { openSqliteHistory } from './sqlite-history.ts'

let exported: Promise<ExportMeasurement> | undefined

const run = promisify(execFile)

export const benches: Benches = {
  'export/throughput': async () => figure('export/throughput', (await measureExport()).rowsPerSecond, 'rows/s'),
  'export/memory': async () => {
    const { reachableBytes } = await measureExport()
    const growthBytes = median(reachableBytes.slice(50)) - median(reachableBytes.slice(0, 50))
    return figure('export/memory', Math.max(1, growthBytes / 2 ** 20), 'MB')
  },
  'export/resident': async () => figure('export/resident', (await measureExport()).residentBytes / 2 ** 20, 'MB'),
  'page/first-view': async () => figure('page/first-view', await measureFirstView(), 'ms'),
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

const recordedEpisodes = 1000
const seriesCount = 10_000
const pointsPerSeries = 60
const nowMs = Date.now()

function figure(bench: string, value: number, unit: string): Figure {
  return { bench, value: Number(value.toPrecision(3)), unit }
}

function measureExport(): Promise<ExportMeasurement> {
  exported ??= withHistory(1_000_000, async (folder) => {
    const script = fileURLToPath(new URL('../testing/measure-export.ts', import.meta.url))
    const { stdout } = await run(process.execPath, ['--expose-gc', '--import', import.meta.resolve('tsx'), script, folder])
    const measured = JSON.parse(stdout) as ExportMeasurement
    if (measured.rows !== 1_000_001) throw new Error(`expected 1,000,000 rows and a header, got ${measured.rows} lines`)
    return measured
  })
  return exported
}

async function measureFirstView(): Promise<number> {
  return withHistory(100_000, async (folder) => {
    const reporter = await runReporter({ data_dir: folder, max_series: seriesCount })
    const browser = await startBrowser()
    try {
      await writeSeries(reporter)
      const visits: number[] = []
      for (let i = 0; i < 7; i++) {
        const page = await browser.open(reporter.url)
        const parts = [page.locator('.row').nth(50), page.locator('.anomaly').nth(50), page.locator('.chart canvas').first()]
        await Promise.all(parts.map((part) => part.waitFor()))
        visits.push(await page.evaluate<number>('performance.now()'))
        await browser.closePages()
      }
      return median(visits)
    } finally {
      await browser.close()
      await reporter.close()
    }
  })
}

/** In batches as a poll of many targets makes them. */
async function writeSeries(reporter: RunningReporter): Promise<void> {
  for (let from = 0; from < seriesCount; from += 500) {
    const series = Array.from({ length: 500 }, (_, i) => ({
      labels: labelled(`metric_${(from + i) % 50}`, { instance: `host-${Math.floor((from + i) / 50)}:9100`, job: 'node' }),
      samples: Array.from({ length: pointsPerSeries }, (__, at) => {
        return { timestampMs: nowMs - (pointsPerSeries - at) * 15_000, value: Math.sin(at / 9 + i), score: ((i * 7) % 90) / 100 }
      }),
    }))
    await reporter.write('ScoreBatch', [scoreBatch(series)])
  }
  await until(
    async () => (await (await fetch(`${reporter.url}/api/v1/overview`)).json()) as Overview,
    ({ series }) => series.shown === seriesCount,
    60_000,
  )
}

/** A folder with a history of so many episodes: some recorded, and multiplied in place, because recording a million takes minutes. */
async function withHistory<Result>(episodes: number, measure: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-bench-'))
  try {
    const store = await openSqliteHistory(folder)
    const anomalies = Array.from({ length: recordedEpisodes }, (_, i) => {
      const labels = labelled(`metric_${i % 50}`, { instance: `host-${i % 200}:9100`, job: 'node' })
      return anomaly({
        id: `r${i}`,
        episodeId: `e${i}`,
        labels,
        startedAtMs: nowMs - 1000 * i,
        observedAtMs: nowMs,
        state: 'resolved',
      })
    })
    await store.record({ anomalies, notifications: [], judgements: [] })
    await store.close()
    multiply(join(folder, 'reporter.db'), episodes / recordedEpisodes)
    return await measure(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function multiply(file: string, times: number): void {
  const database = new SqliteDatabase(file)
  const columns = (database.prepare("SELECT name FROM pragma_table_info('episodes')").all() as { name: string }[]).map(
    ({ name }) => name,
  )
  const others = columns.filter((name) => name !== 'episode_id' && name !== 'started_at_ms').join(', ')
  database.exec(`
    WITH RECURSIVE copies(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < ${times - 1})
    INSERT INTO episodes (episode_id, started_at_ms, ${others})
    SELECT episode_id || '-' || n, started_at_ms - n * 1000, ${others} FROM episodes, copies`)
  database.close()
}
