/**
 * Faults on real processes: Kafka, ingestor and detector are killed, stopped, cut off and fed damage, a row for each, and afterwards the
 * topics are held to every promise by the checker (`checker/`). A table of the rows is printed, and written to
 * `.cache/results/fault-rows.json`.
 *
 * `LAPWING_FAULTS=long` takes what each fault is described with (up to 15 minutes), `short` less of it; without it CI gets the short form.
 * `LAPWING_SEED` fixes the random moments. One row: `npm run test:faults -- -t 'row 4:'`.
 */
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { RowResult } from './harness/fault-row.ts'
import { faultTable, progressLine, writeResults } from './harness/fault-table.ts'
import { form, type Hall, openHall, seed } from './harness/hall.ts'
import { runRow } from './harness/run-row.ts'
import { buildToxiproxy } from './harness/toxiproxy.ts'
import { brokerRows } from './rows/broker-rows.ts'
import { detectorRows } from './rows/detector-rows.ts'
import { inputRows } from './rows/input-rows.ts'
import { networkRows } from './rows/network-rows.ts'
import { stateRows } from './rows/state-rows.ts'

const rows = [...detectorRows, ...brokerRows, ...networkRows, ...stateRows, ...inputRows]
const rowTimeoutMs = 600_000

const toxiproxyProgram = await buildToxiproxy().catch((error: Error) => {
  const names = rows.filter(({ needsToxiproxy }) => needsToxiproxy).map(({ number, fault }) => `  row ${number}: ${fault}`)
  process.stderr.write(`SKIPPED, toxiproxy cannot be built (${error.message.split('\n')[0]}):\n${names.join('\n')}\n`)
  return undefined
})

describe.concurrent(`faults, ${form} form, seed ${seed}`, () => {
  const results: RowResult[] = []
  let hall: Hall

  beforeAll(async () => {
    hall = await openHall(toxiproxyProgram)
  })
  afterAll(async () => {
    process.stdout.write(`\n${faultTable(results)}\n\n`)
    writeResults('fault-rows', { form, seed, rows: results })
    await hall?.close()
  })

  for (const row of rows) {
    test.skipIf(row.needsToxiproxy && toxiproxyProgram === undefined)(
      `row ${row.number}: ${row.fault}`,
      async ({ expect }) => {
        const result = await runRow(row, hall)
        results.push(result)
        process.stderr.write(progressLine(result))
        expect(result.violations, result.violations.join('; ')).toEqual([])
      },
      rowTimeoutMs,
    )
  }
})
