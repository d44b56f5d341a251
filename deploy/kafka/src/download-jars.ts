/**
 * Kafka's jars on this machine: downloaded once, checked each time.
 *
 * A jar appears under its name only when it is whole and its SHA-256 is the pinned one, so an interrupted download leaves
 * nothing behind that could be run, and two processes that download at a time do no harm. Hashing all of them costs about a
 * tenth of a second at each start, which also finds a damaged cache.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { KafkaServerError } from './errors.ts'
import { type Jar, jarName, jarPath } from './jars.ts'

export const mavenCentral = 'https://repo1.maven.org/maven2'

export interface JarSource {
  readonly jars: readonly Jar[]
  /** Address of a Maven repository. */
  readonly repository: string
  /** Where the jars are kept; made when absent. */
  readonly directory: string
  /** Called as bytes arrive, only when something has to be downloaded. */
  onProgress(doneBytes: number, totalBytes: number): void
}

/** The paths of all jars. Rejects with `download_failed` or `wrong_checksum`. */
export async function ensureJars({ jars, repository, directory, onProgress }: JarSource): Promise<string[]> {
  await mkdir(directory, { recursive: true })
  const isPresent = await Promise.all(jars.map((jar) => isIntact(join(directory, jarName(jar)), jar)))
  const absent = jars.filter((_, i) => !isPresent[i])
  const totalBytes = absent.reduce((sum, jar) => sum + jar.bytes, 0)
  let doneBytes = 0
  const queue = absent.toSorted((a, b) => b.bytes - a.bytes)
  const worker = async () => {
    for (let jar = queue.shift(); jar; jar = queue.shift()) {
      await download(jar, repository, join(directory, jarName(jar)), (bytes) => {
        doneBytes += bytes
        onProgress(doneBytes, totalBytes)
      })
    }
  }
  await Promise.all(Array.from({ length: downloadsAtATime }, worker))
  return jars.map((jar) => join(directory, jarName(jar)))
}

const downloadsAtATime = 6
const tries = 3
const firstRetryMs = 500
/** For one jar; the largest has 10 MB. */
const downloadTimeoutMs = 120_000

async function isIntact(path: string, jar: Jar): Promise<boolean> {
  try {
    return sha256Of(await readFile(path)) === jar.sha256
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

async function download(jar: Jar, repository: string, path: string, onBytes: (bytes: number) => void): Promise<void> {
  const address = `${repository.replace(/\/+$/, '')}/${jarPath(jar)}`
  const content = await fetchPatiently(address, onBytes)
  const actual = sha256Of(content)
  if (actual !== jar.sha256)
    throw new KafkaServerError('wrong_checksum', `${address} has SHA-256 ${actual}, expected ${jar.sha256}`)
  const unfinished = `${path}.${randomUUID()}`
  try {
    await writeFile(unfinished, content)
    await rename(unfinished, path)
  } finally {
    await rm(unfinished, { force: true })
  }
}

async function fetchPatiently(address: string, onBytes: (bytes: number) => void): Promise<Buffer> {
  for (let attempt = 1; ; attempt++) {
    let received = 0
    try {
      return await fetchOnce(address, (bytes) => {
        received += bytes
        onBytes(bytes)
      })
    } catch (error) {
      onBytes(-received)
      if (attempt === tries) {
        const { message, cause } = error as Error
        throw new KafkaServerError('download_failed', `${address}: ${cause instanceof Error ? cause.message : message}`, error)
      }
      await setTimeout(firstRetryMs * attempt)
    }
  }
}

async function fetchOnce(address: string, onBytes: (bytes: number) => void): Promise<Buffer> {
  const response = await fetch(address, { signal: AbortSignal.timeout(downloadTimeoutMs) })
  if (!response.ok || !response.body) throw new Error(`answered ${response.status}`)
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) {
    chunks.push(chunk)
    onBytes(chunk.length)
  }
  return Buffer.concat(chunks)
}

function sha256Of(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
