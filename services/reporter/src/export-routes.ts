/** Routes that give the history away as a file, however much there is. */
import { Readable } from 'node:stream'
import { exportQuery } from './api-queries.ts'
import type { Api } from './api-scope.ts'
import { exportAnomalies } from './export.ts'
import type { HistoryStore } from './history-store.ts'

export function addExportRoutes(api: Api, history: HistoryStore): void {
  const route = { tags: ['export'], summary: 'All anomalies as a file, streamed: CSV or a JSON array', querystring: exportQuery }
  api.get('/export/anomalies', { schema: route }, async ({ query: { format, state, from, to, series } }, reply) => {
    const texts = exportAnomalies(history, { state, fromMs: from, toMs: to, seriesKey: series }, format)
    // The first portion is asked for before the answer begins, so that a history that is down is an error and not an empty file.
    const first = await texts.next()
    const rest = Readable.from(after(first.value ?? '', texts), { objectMode: false, encoding: 'utf8' } as object)
    reply.header('content-disposition', `attachment; filename="lapwing-anomalies.${format}"`)
    return reply.type(format === 'csv' ? 'text/csv; charset=utf-8' : 'application/json; charset=utf-8').send(rest)
  })
}

async function* after(first: string, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  yield first
  yield* rest
}
