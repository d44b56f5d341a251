/**
 * Weights in a real MinIO, where there is one: on the path, or named by LAPWING_MINIO. It comes as Go source (`go install github.com/minio/minio@latest`) and takes
 * minutes to build, so it is not built for the test. It passes on that of 2026-02-12.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TrainedModel } from '@lapwing/deep/model'
import { AwsClient } from 'aws4fetch'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { artefactBucket } from './artefact-bucket.ts'
import { emptyModel } from './registry.ts'
import { ArtefactStoreError, inlineBytesMax, packWeights, readWeights } from './weights.ts'

const minio = process.env.LAPWING_MINIO ?? 'minio'
const hasMinio = spawnSync(minio, ['--version']).status === 0
const keys = { accessKeyId: 'lapwing-test', secretAccessKey: 'only-for-this-test', region: 'us-east-1' }

describe.skipIf(!hasMinio)('weights in MinIO', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-minio-'))
  const client = new AwsClient({ ...keys, service: 's3' })
  let server: ChildProcess
  let endpoint = ''
  beforeAll(async () => {
    const port = await freePort()
    endpoint = `http://127.0.0.1:${port}`
    const env = { ...process.env, MINIO_ROOT_USER: keys.accessKeyId, MINIO_ROOT_PASSWORD: keys.secretAccessKey }
    server = spawn(minio, ['server', folder, '--address', `127.0.0.1:${port}`, '--quiet'], { env, stdio: 'ignore' })
    const createBucket = async () => expect((await client.fetch(`${endpoint}/models`, { method: 'PUT' })).status).toBe(200)
    await vi.waitFor(createBucket, { timeout: 60_000, interval: 200 })
  })
  afterAll(async () => {
    const exited = new Promise((resolve) => server.once('exit', resolve))
    server.kill()
    await exited
    rmSync(folder, { recursive: true, force: true })
  })

  const trained: TrainedModel = {
    kind: 'pca',
    channels: ['a'],
    scale: { means: Float64Array.of(1), deviations: Float64Array.of(2) },
    members: [
      {
        windowRows: 10,
        typicalError: 1,
        net: { type: 'pca', mean: new Float32Array(10), directions: Float32Array.from({ length: inlineBytesMax / 2 }, Math.sin) },
      },
    ],
    threshold: 1.5,
    trainedRows: 100,
    seed: 1,
  }
  const store = (fields = {}) => artefactBucket({ ...keys, endpoint, bucket: 'models', prefix: 'lapwing/', ...fields })

  test('come back as they were; a changed byte, and what is no longer there, is refused', async () => {
    const model = { ...emptyModel, modelId: 'pca/1', ...(await packWeights(trained, store())) }
    expect(model.weights).toBeNull()
    expect(await readWeights(model, store())).toEqual(trained)
    const bytes = (await store().get(model.artefactUri))!
    bytes[bytes.length >> 1]! ^= 1
    const object = `${endpoint}/models/lapwing/${model.artefactUri}`
    expect((await client.fetch(object, { method: 'PUT', body: Buffer.from(bytes) })).status).toBe(200)
    await expect(readWeights(model, store())).rejects.toThrow('not those that were registered')
    await store().remove(model.artefactUri)
    await store().remove(model.artefactUri)
    await expect(readWeights(model, store())).rejects.toThrow('no weights in the record')
  })

  test('keys that do not fit and a bucket that is not there are told, and are no absence', async () => {
    const uri = `${'ab'.repeat(32)}.lwm`
    await expect(store({ secretAccessKey: 'another' }).get(uri)).rejects.toThrow('HTTP 403 SignatureDoesNotMatch')
    await expect(store({ bucket: 'others' }).get(uri)).rejects.toThrow('HTTP 404 NoSuchBucket')
    await expect(store({ bucket: 'others' }).put('ab'.repeat(32), Buffer.from('x'))).rejects.toThrow(ArtefactStoreError)
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
