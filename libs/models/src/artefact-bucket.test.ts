/** Answers as the API of Amazon S3 documents them, from a server that checks what is sent; with a real one: artefact-bucket.integration.test.ts. */
import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { artefactBucket } from './artefact-bucket.ts'
import { ArtefactStoreError } from './weights.ts'

const sha256 = 'ab'.repeat(32)
const keys = { accessKeyId: 'me', secretAccessKey: 'hidden', region: 'eu-central-1' }

interface Answer {
  readonly status: number
  readonly body?: string | Buffer
}

/** What came, and whether it was signed with our keys. */
interface Received {
  readonly method: string
  readonly path: string
  readonly body: string
  readonly isSigned: boolean
}

async function serve(answers: readonly Answer[]) {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const body = Buffer.concat(parts)
    received.push({ method: request.method!, path: request.url!, body: body.toString(), isSigned: isSigned(request, body) })
    respond(response, answers[Math.min(received.length, answers.length) - 1]!)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { received, endpoint, store: artefactBucket({ ...keys, endpoint, bucket: 'models', prefix: 'lapwing/' }) }
}

function respond(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status).end(body)
}

/** Signature version 4, as its specification puts it together. */
function isSigned({ method, url, headers }: IncomingMessage, body: Buffer): boolean {
  const found = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    headers.authorization ?? '',
  )
  if (!found) return false
  const [, credential, signedHeaders, signature] = found as unknown as [string, string, string, string]
  const [accessKeyId, date, region, service, terminator] = credential.split('/') as [string, string, string, string, string]
  const canonicalHeaders = signedHeaders.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`)
  const contentHash = headers['x-amz-content-sha256'] as string
  if (contentHash !== 'UNSIGNED-PAYLOAD' && contentHash !== hash(body)) return false
  const request = [method, url, '', canonicalHeaders.join(''), signedHeaders, contentHash].join('\n')
  const scope = `${date}/${region}/${service}/${terminator}`
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hash(Buffer.from(request))].join('\n')
  const key = [date, region, service, terminator].reduce<Buffer>(
    (last, part) => createHmac('sha256', last).update(part).digest(),
    Buffer.from(`AWS4${keys.secretAccessKey}`),
  )
  const isOurs = accessKeyId === keys.accessKeyId && region === keys.region && service === 's3'
  return isOurs && createHmac('sha256', key).update(text).digest('hex') === signature
}

const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const xml = (code: string) => `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>…</Message></Error>`

describe('a bucket', () => {
  test('keeps an artefact under its hash, by path, in signed requests', async () => {
    const { store, received } = await serve([{ status: 200 }, { status: 200, body: Buffer.from('weights') }, { status: 204 }])
    const uri = await store.put(sha256, Buffer.from('weights'))
    expect(uri).toBe(`${sha256}.lwm`)
    expect(Buffer.from((await store.get(uri))!).toString()).toBe('weights')
    await store.remove(uri)
    await store.remove('../other')
    const path = `/models/lapwing/${sha256}.lwm`
    expect(received).toEqual([
      { method: 'PUT', path, body: 'weights', isSigned: true },
      { method: 'GET', path, body: '', isSigned: true },
      { method: 'DELETE', path, body: '', isSigned: true },
    ])
  })

  test('what is not there is not there; an address that leads elsewhere is not asked for', async () => {
    const { store, received } = await serve([{ status: 404, body: xml('NoSuchKey') }])
    expect(await store.get(`${sha256}.lwm`)).toBeUndefined()
    for (const uri of ['../other', `x/${sha256}.lwm`, `${sha256}.lwm?acl`]) expect(await store.get(uri)).toBeUndefined()
    expect(received).toHaveLength(1)
  })

  test('one that is busy is asked again', async () => {
    const busy = { status: 503, body: xml('SlowDown') }
    const { store, received } = await serve([busy, busy, { status: 200, body: 'weights' }])
    expect(Buffer.from((await store.get(`${sha256}.lwm`))!).toString()).toBe('weights')
    expect(received).toHaveLength(3)
  })

  test.each([
    [{ status: 403, body: xml('SignatureDoesNotMatch') }, 'bucket models: HTTP 403 SignatureDoesNotMatch'],
    [{ status: 404, body: xml('NoSuchBucket') }, 'bucket models: HTTP 404 NoSuchBucket'],
    [{ status: 400, body: 'no XML' }, 'bucket models: HTTP 400'],
  ])('a refusal is told with its code, not taken for an absence: %j', async (answer, message) => {
    const { store } = await serve([answer])
    await expect(store.get(`${sha256}.lwm`)).rejects.toThrow(message)
    await expect(store.put(sha256, Buffer.from('x'))).rejects.toThrow(ArtefactStoreError)
  })

  test('one that is not there is told', async () => {
    const store = artefactBucket({ ...keys, endpoint: 'http://127.0.0.1:1', bucket: 'models', prefix: '' })
    await expect(store.get(`${sha256}.lwm`)).rejects.toThrow(/^http:\/\/127\.0\.0\.1:1 does not answer: .+/)
  })
})
