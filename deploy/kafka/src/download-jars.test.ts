import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { ensureJars } from './download-jars.ts'
import { type Jar, jarPath, kafkaJars } from './jars.ts'

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lapwing-jars-'))
  folders.push(folder)
  return folder
}

const contents = new Map(['alpha', 'beta', 'gamma'].map((name) => [name, Buffer.alloc(100_000, name)]))
const jars = [...contents].map(
  ([name, content]): Jar => ({ coordinates: `org.example:${name}:1`, bytes: content.length, sha256: sha256(content) }),
)

describe('jars', () => {
  test('are downloaded once, with progress up to the whole', async () => {
    const repository = await serve((path) => contentOf(path))
    const directory = await temporaryFolder()
    const progress: [number, number][] = []
    const onProgress = (done: number, total: number) => progress.push([done, total])
    const paths = await ensureJars({ jars, repository: repository.url, directory, onProgress })
    expect(await Promise.all(paths.map((path) => readFile(path)))).toEqual([...contents.values()])
    expect(progress.at(-1)).toEqual([300_000, 300_000])
    await ensureJars({ jars, repository: repository.url, directory, onProgress: () => expect.unreachable() })
    expect(repository.asked).toHaveLength(3)
  })

  test('that were damaged on disk are downloaded again', async () => {
    const repository = await serve((path) => contentOf(path))
    const directory = await temporaryFolder()
    const [path] = await ensureJars({ jars, repository: repository.url, directory, onProgress: () => undefined })
    await writeFile(path!, 'damaged')
    await ensureJars({ jars, repository: repository.url, directory, onProgress: () => undefined })
    expect(await readFile(path!)).toEqual(contents.get('alpha'))
    expect(repository.asked).toHaveLength(4)
  })

  test('that are not the pinned ones are refused and not kept', async () => {
    const repository = await serve(() => Buffer.from('something else'))
    const directory = await temporaryFolder()
    const ensuring = ensureJars({ jars, repository: repository.url, directory, onProgress: () => undefined })
    await expect(ensuring).rejects.toMatchObject({ code: 'wrong_checksum', retryable: false })
    expect(await readdir(directory)).toEqual([])
  })

  test('are asked for again after a failure, and progress never counts a byte twice', async () => {
    let answers = 0
    const repository = await serve((path) => (answers++ === 0 ? undefined : contentOf(path)))
    const directory = await temporaryFolder()
    let last = 0
    await ensureJars({ jars, repository: repository.url, directory, onProgress: (done) => (last = done) })
    expect(last).toBe(300_000)
    expect(repository.asked).toHaveLength(4)
  })

  test('that cannot be had say where they were looked for', async () => {
    const repository = await serve(() => undefined)
    const directory = await temporaryFolder()
    const ensuring = ensureJars({ jars: jars.slice(0, 1), repository: repository.url, directory, onProgress: () => undefined })
    await expect(ensuring).rejects.toMatchObject({ code: 'download_failed', retryable: true })
    await expect(ensuring).rejects.toThrow(`${repository.url}/org/example/alpha/1/alpha-1.jar: answered 503`)
  })

  test('of the pinned list have a checksum each and different names', () => {
    expect(kafkaJars.every(({ sha256 }) => /^[0-9a-f]{64}$/.test(sha256))).toBe(true)
    expect(new Set(kafkaJars.map(jarPath)).size).toBe(kafkaJars.length)
  })
})

function contentOf(path: string): Buffer | undefined {
  return contents.get(path.split('/').at(-3) ?? '')
}

/** A repository; where `answer` has nothing it says 503. */
async function serve(answer: (path: string) => Buffer | undefined) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    const content = answer(request.url!)
    response.writeHead(content ? 200 : 503).end(content)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
