/** What all rows of a run share: a broker, a toxiproxy where there is one, and how much is asked for. */
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheDirectory } from '@lapwing/kafka-server/cache-directory'
import { startKafka } from '@lapwing/kafka-server/server'
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
  const dataDirectory = await mkdtemp(join(tmpdir(), 'lapwing-faults-'))
  const kafka = await startKafka({
    cacheDirectory: cacheDirectory(process.env, homedir()),
    dataDirectory,
    repository: process.env.MAVEN_REPOSITORY,
    javaHome: process.env.JAVA_HOME,
    onProgress: () => {},
  })
  const toxiproxy =
    toxiproxyProgram === undefined ? undefined : await startToxiproxy(toxiproxyProgram, join(dataDirectory, 'toxiproxy.log'))
  const close = async () => {
    await toxiproxy?.stop()
    await kafka.stop()
    await rm(dataDirectory, { recursive: true, force: true })
  }
  return { brokers: kafka.brokers, toxiproxy, form, seed, close }
}

function formOf(text: string): Form {
  if (text === 'short' || text === 'long') return text
  throw new Error(`LAPWING_FAULTS: expected short or long; found ${text}`)
}
