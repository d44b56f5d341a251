import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestAuthority } from '../testing/certificates.ts'
import { accessOf, accessSchema } from './access-settings.ts'
import { createQueryClient } from './query-client.ts'

const never = new AbortController().signal
const answer = '{"status":"success","data":{"resultType":"vector","result":[]}}'
let folder: string
const file = (name: string) => join(folder, name)

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lapwing-access-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const headersOf = (settings: unknown) => accessOf(accessSchema.parse(settings)).headers()

describe('credentials', () => {
  test('bearer, basic and tenant', () => {
    expect(headersOf({ bearer_token: 'abc', tenant: 'shop' })).toEqual({ authorization: 'Bearer abc', 'x-scope-orgid': 'shop' })
    expect(headersOf({ basic_auth: { username: 'me', password: 'p@ss:word' } })).toEqual({
      authorization: `Basic ${btoa('me:p@ss:word')}`,
    })
    expect(headersOf({})).toEqual({})
  })

  test('a file is read anew for each request, and what it held last counts while it is gone', () => {
    writeFileSync(file('token'), 'first\n')
    writeFileSync(file('password'), 'one\n')
    const bearer = accessOf(accessSchema.parse({ bearer_token_file: file('token') }))
    const basic = accessOf(accessSchema.parse({ basic_auth: { username: 'me', password_file: file('password') } }))
    expect([bearer.headers(), basic.headers()]).toEqual([
      { authorization: 'Bearer first' },
      { authorization: `Basic ${btoa('me:one')}` },
    ])
    writeFileSync(file('token'), 'second\n')
    rmSync(file('password'))
    expect([bearer.headers(), basic.headers()]).toEqual([
      { authorization: 'Bearer second' },
      { authorization: `Basic ${btoa('me:one')}` },
    ])
  })
})

describe('certificates', () => {
  test('the server is held to its authority, shown ours, and a rotated certificate is the next one shown', async () => {
    const authority = createTestAuthority(folder)
    authority.certify('server', 'localhost')
    authority.certify('client', 'first')
    const shown: string[] = []
    const server = await serveTls(shown)
    try {
      const ask = (settings: object) =>
        createQueryClient({ url: server.url, timeoutMs: 5000, access: accessOf(accessSchema.parse(settings)) })
      const tls = { ca_file: file('ca.pem'), cert_file: file('client.pem'), key_file: file('client.key') }
      const client = ask({ tls })
      await client.query('up', 0, never)
      authority.certify('client', 'second')
      await client.query('up', 0, never)
      expect(shown).toEqual(['first', 'second'])
      await expect(ask({}).query('up', 0, never)).rejects.toMatchObject({ code: 'unreachable' })
      await expect(ask({ tls: { ca_file: file('ca.pem') } }).query('up', 0, never)).rejects.toMatchObject({ code: 'unreachable' })
      await expect(ask({ tls: { ...tls, server_name: 'elsewhere' } }).query('up', 0, never)).rejects.toThrow(/elsewhere/)
      await ask({ tls: { ...tls, ca_file: undefined, insecure_skip_verify: true } }).query('up', 0, never)
      expect(shown).toHaveLength(3)
    } finally {
      server.close()
    }
  })
})

/** Takes only clients with a certificate of our authority, and notes whose. */
async function serveTls(shown: string[]): Promise<{ url: string; close: () => void }> {
  const pem = (name: string) => readFileSync(file(name))
  const options: ServerOptions = {
    ca: pem('ca.pem'),
    cert: pem('server.pem'),
    key: pem('server.key'),
    requestCert: true,
    rejectUnauthorized: true,
  }
  const server = createServer(options, (request, response) => {
    shown.push(String((request.socket as TLSSocket).getPeerCertificate().subject.CN))
    response.end(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `https://localhost:${(server.address() as AddressInfo).port}`, close }
}
