/** What all rows of a run share: a broker, a toxiproxy where there is one, and how much is asked for. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTestBroker } from '@lapwing/kafka-server/test-broker'
import type { Form } from './fault-row.ts'
import { startToxiproxy, type Toxiproxy } from './toxiproxy.ts'

export interface Hall {
  readonly brokers: readonly [string]
  readonly toxiproxy: Toxiproxy | undefined
  readonly form: Form
  readonly seed: number
  close(): Promise<void>
}

/** LAPWING_FAULTS, else the short form where CI is set. LAPWING_SEED fixes the random moments. */
export const form = formOf(process.env.LAPWING_FAULTS ?? (process.env.CI ? 'short' : 'long'))
export const seed = Number(process.env.LAPWING_SEED ?? 20_261_123)

/** @param toxiproxyProgram path of it */
export async function openHall(toxiproxyProgram: string | undefined): Promise<Hall> {
  const folder = await mkdtemp(join(tmpdir(), 'lapwing-faults-'))
  const broker = await startTestBroker(process.env)
  const toxiproxy =
    toxiproxyProgram === undefined ? undefined : await startToxiproxy(toxiproxyProgram, join(folder, 'toxiproxy.log'))
  const close = async () => {
    await toxiproxy?.stop()
    await broker.remove()
    await rm(folder, { recursive: true, force: true })
  }
  return { brokers: broker.server.brokers, toxiproxy, form, seed, close }
}

function formOf(text: string): Form {
  if (text === 'short' || text === 'long') return text
  throw new Error(`LAPWING_FAULTS: expected short or long; found ${text}`)
}
